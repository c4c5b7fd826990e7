import { Command } from "commander";
import { calibrateCommand } from "./commands/calibrate.js";
import { completionCommand } from "./commands/completion.js";
import { convertCommand } from "./commands/convert.js";
import { doctorCommand } from "./commands/doctor.js";
import { enqueueCommand } from "./commands/enqueue.js";
import { evalCommand } from "./commands/eval.js";
import { everythingCommand } from "./commands/everything.js";
import { inspectCommand } from "./commands/inspect.js";
import { ladderCommand } from "./commands/ladder.js";
import { mcpCommand } from "./commands/mcp.js";
import { modelsCommand } from "./commands/models.js";
import { pseudoLabelCommand } from "./commands/pseudo-label.js";
import { pullCommand } from "./commands/pull.js";
import { queueCommand } from "./commands/queue.js";
import { segmentCommand } from "./commands/segment.js";
import { serveCommand } from "./commands/serve.js";
import { studioCommand } from "./commands/studio.js";
import { trackCommand } from "./commands/track.js";
import { trainCommand } from "./commands/train.js";
import { workCommand } from "./commands/work.js";
import { withDefaultsOptions } from "./defaults/default-flags.js";
import type { Interrupt } from "./terminal/interrupt.js";
import { print, tell } from "./terminal/output.js";
import { version } from "./version.js";

/** `unsam` with all its commands: what is parsed, shown as help and completed. */
export function createProgram(interrupt: Interrupt): Command {
  const program = new Command("unsam")
    .description(
      "Segment anything at any granularity: UnSAMv2 and SAM 2.1 in Node.js, and a small model in the box.",
    )
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: print,
      writeErr: (text) => tell(text.replace(/\n$/, "")),
      outputError: (text, write) => write(text.replace(/^error: /, "unsam: ")),
    });
  for (const command of [
    segmentCommand,
    ladderCommand,
    everythingCommand,
    convertCommand,
    trackCommand,
    calibrateCommand,
    evalCommand,
    pseudoLabelCommand,
    inspectCommand,
    pullCommand,
    modelsCommand,
    studioCommand,
    serveCommand,
    enqueueCommand,
    workCommand,
    queueCommand,
    mcpCommand,
    doctorCommand,
    trainCommand,
  ]) {
    program.addCommand(withDefaultsOptions(command(interrupt)).exitOverride().copyInheritedSettings(program));
  }
  program.addCommand(completionCommand(program).exitOverride().copyInheritedSettings(program));
  return program;
}
