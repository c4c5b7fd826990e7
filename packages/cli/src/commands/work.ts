import { UnSAMError } from "@unsam/core/errors";
import { Command } from "commander";
import { count, positive } from "../arguments.js";
import { EXIT_FAILED } from "../failure.js";
import { withExamples } from "../help/examples.js";
import { loadModel } from "../load-model.js";
import { type QueueFlags, queuePackage, withQueueOptions } from "../queue/queue-flags.js";
import type { Interrupt } from "../terminal/interrupt.js";
import { printResult, tell } from "../terminal/output.js";
import { stopSignal } from "../terminal/told-to-stop.js";

interface WorkFlags extends QueueFlags {
  readonly model?: string;
  readonly threads?: number;
  readonly atOnce?: number;
  readonly untilDone?: true;
  readonly patience?: number;
  readonly json?: true;
}

export function workCommand(interrupt: Interrupt): Command {
  const command = withQueueOptions(new Command("work"))
    .description(
      "Work on what unsam enqueue put into a queue, until told to stop; any number of these, on any machines, may be killed at any time.",
    )
    .option("--model <file>", "the run's checkpoint, where it lies elsewhere on this machine")
    .option("--threads <n>", "threads for the encoder (default: one per core)", count)
    .option("--at-once <n>", "photos side by side (default 1)", count)
    .option("--until-done", "end when nothing waits and nobody is at work")
    .option(
      "--patience <seconds>",
      "told to stop: time for photos at work, which are given back then (default 20)",
      positive,
    )
    .option("--json", "print one JSON document to standard output at the end")
    .action((flags: WorkFlags) => workOnPhotos(flags, interrupt));
  return withExamples(command, [
    ["unsam work", "until Ctrl-C or SIGTERM, which lets it end the photo that it is at"],
    ["unsam work --until-done --redis redis://queue.example.com:6379", "ends with the run"],
  ]);
}

async function workOnPhotos(flags: WorkFlags, interrupt: Interrupt): Promise<void> {
  const { work } = await queuePackage("work");
  const { run: queue, redis, atOnce, untilDone, patience, threads } = flags;
  if (patience !== undefined && patience > 86_400) {
    throw new UnSAMError("E_BAD_OPTION", `--patience is ${patience}; give at most 86400 seconds.`);
  }
  // It ends what it has in its hands, in its own time.
  interrupt.bePatient();
  const stop = stopSignal(interrupt.signal, () =>
    tell("unsam: Ending the photo at work; a second Ctrl-C ends at once."),
  );
  const worked = await work({
    ...{ queue, redis, atOnce, untilDone, graceMs: patience && 1000 * patience, signal: stop.signal },
    load: (model, signal) => loadModel({ ...model, model: flags.model ?? model.model, threads }, signal),
    onDone: (photo, made) => tell(made ? `done ${photo}` : `was there already: ${photo}`),
    onFailure: ({ photo, reason, isParked }) =>
      tell(`unsam: ${photo}: ${reason}${isParked ? "" : " It is tried again."}`),
    onConnection: (sentence) => tell(`unsam: ${sentence}`),
  })
    .catch((error) => {
      // Before it was at work.
      if (!stop.signal.aborted) throw error;
      return { done: 0, there: 0, parked: 0 };
    })
    .finally(stop.end);
  process.exitCode = worked.parked > 0 ? EXIT_FAILED : 0;
  printResult(
    flags.json ?? false,
    () => worked,
    () => `${worked.done} done, ${worked.there} of them were there already, ${worked.parked} parked\n`,
  );
}
