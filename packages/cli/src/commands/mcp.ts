import { Command } from "commander";
import { repeatable } from "../arguments.js";
import { markRepeatable } from "../defaults/default-flags.js";
import { withExamples } from "../help/examples.js";
import { loadModel, type ModelOptions } from "../load-model.js";
import { optionalPackage } from "../optional-package.js";
import { withModelOptions } from "../prompt-flags.js";
import type { Interrupt } from "../terminal/interrupt.js";
import { tell } from "../terminal/output.js";
import { stopSignal } from "../terminal/told-to-stop.js";

interface McpFlags extends ModelOptions {
  readonly root?: string[];
  readonly maxPixels?: number;
}

export function mcpCommand(interrupt: Interrupt): Command {
  const command = withModelOptions(new Command("mcp"))
    .description(
      "Give segment, ladder, everything and describe_scene as tools to a host of the Model Context Protocol, over standard input and output. It is a package of its own: npm i @unsam/mcp.",
    )
    .option(
      "--root <dir>",
      "photos of this folder may be read; repeatable (default: this folder)",
      repeatable,
    )
    .action((flags: McpFlags) => serveHost(flags, interrupt));
  markRepeatable(command, "--root");
  return withExamples(command, [
    ["unsam mcp --root photos", "what a host starts, which asks for photos of this folder and no others"],
  ]);
}

async function serveHost(flags: McpFlags, interrupt: Interrupt): Promise<void> {
  const { serveTools } = await optionalPackage("@unsam/mcp", "mcp", () => import("@unsam/mcp"));
  const { root = ["."], maxPixels } = flags;
  await using unsam = await loadModel(flags, interrupt.signal);
  interrupt.bePatient();
  const stop = stopSignal(interrupt.signal);
  const speak = (sentence: string) => tell(`unsam: ${sentence}`);
  await serveTools({ unsam, roots: root, maxPixels, signal: stop.signal, tell: speak });
  stop.end();
  process.exitCode = 0;
}
