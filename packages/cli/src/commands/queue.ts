import { setTimeout as after } from "node:timers/promises";
import { UnSAMError } from "@unsam/core/errors";
import type { RunStatus } from "@unsam/queue";
import { Argument, Command } from "commander";
import { withExamples } from "../help/examples.js";
import { type QueueFlags, queuePackage, withQueueOptions } from "../queue/queue-flags.js";
import { duration } from "../terminal/duration.js";
import type { Interrupt } from "../terminal/interrupt.js";
import { print, printResult } from "../terminal/output.js";

interface LookFlags extends QueueFlags {
  readonly watch?: true;
  readonly force?: true;
  readonly json?: true;
}

const ACTIONS = ["status", "failed", "retry", "forget"] as const;
type Action = (typeof ACTIONS)[number];
const WATCH_MS = 2000;

export function queueCommand({ signal }: Interrupt): Command {
  const command = withQueueOptions(new Command("queue"))
    .description(
      "Tell how far a queue of photos is, list what was parked, have it tried again, or forget the run.",
    )
    .addArgument(new Argument("<action>", "what to do").choices(ACTIONS))
    .option("--watch", "with status: tell it every two seconds until the run is done")
    .option("--force", "with forget: also where photos are at work, because no worker is left")
    .option("--json", "print one JSON document to standard output; with failed or --watch, one a line")
    .action((action: Action, flags: LookFlags) => look(action, flags, signal));
  return withExamples(command, [
    ["unsam queue status --watch", "how many are done, at work, waiting and parked, and how fast"],
    ["unsam queue failed", "photos that are not tried again, each with its reason"],
    ["unsam queue retry", "have these tried again, once the reason is gone"],
  ]);
}

async function look(action: Action, flags: LookFlags, signal: AbortSignal): Promise<void> {
  const { watch, force, json = false, run: queue, redis } = flags;
  for (const [name, value, belongs] of [
    ["--watch", watch, "status"],
    ["--force", force, "forget"],
  ] as const) {
    if (!value || action === belongs) continue;
    throw new UnSAMError("E_BAD_OPTION", `${name} belongs to unsam queue ${belongs}; leave it out.`);
  }
  const { eachParked, forgetRun, retryParked, runStatus } = await queuePackage("queue");
  const options = { queue, redis, signal };
  switch (action) {
    case "status": {
      const ask = () => runStatus(options);
      return watch ? follow(ask, json, signal) : tellStatus(await ask(), json);
    }
    case "failed": {
      const parked = await eachParked(options, (photo) =>
        print(json ? `${JSON.stringify(photo)}\n` : `${oneLine(`${photo.photo}: ${photo.reason}`)}\n`),
      );
      if (parked === 0 && !json) print("nothing is parked\n");
      return;
    }
    case "retry": {
      const retried = await retryParked(options);
      return printResult(
        json,
        () => ({ retried }),
        () => `${retried} photos are tried again\n`,
      );
    }
    case "forget": {
      const { photos, done } = await forgetRun({ ...options, force });
      return printResult(
        json,
        () => ({ photos, done }),
        () => `forgot ${photos} photos, ${done} of them done; their results stay\n`,
      );
    }
  }
}

function tellStatus(status: RunStatus, json: boolean): void {
  printResult(
    json,
    () => status,
    () => `${describe(status)}\n`,
  );
}

function describe({ queue, run, photos, done, atWork, waiting, again, parked }: RunStatus): string {
  if (run === null && photos === 0) return `${queue}: there is no run`;
  return (
    `${queue}: ${done} of ${photos} done, ${atWork} at work, ${waiting} waiting, ` +
    `${again} waiting for another try, ${parked} parked`
  );
}

/** A line at every look; ends when nothing is left to be done. */
async function follow(ask: () => Promise<RunStatus>, json: boolean, signal: AbortSignal): Promise<void> {
  let first: { readonly done: number; readonly at: number } | null = null;
  for (;;) {
    const status = await ask();
    const { photos, done, parked } = status;
    const now = performance.now();
    first ??= { done, at: now };
    const rate = (1000 * (done - first.done)) / Math.max(1, now - first.at);
    const left = photos - done - parked;
    const pace = rate > 0 ? `; ${rate.toPrecision(2)} photos/s, ${duration(left / rate)} left` : "";
    print(json ? `${JSON.stringify(status)}\n` : `${describe(status)}${pace}\n`);
    if (left === 0) return;
    await after(WATCH_MS, undefined, { signal });
  }
}

/** Names of photos are untrusted. */
function oneLine(text: string): string {
  return text.replace(/\p{Cc}/gu, "?");
}
