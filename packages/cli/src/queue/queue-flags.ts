import type { Command } from "commander";
import { optionalPackage } from "../optional-package.js";

/** Which queue a command is about. */
export interface QueueFlags {
  /** The name of its queue. */
  readonly run?: string;
  readonly redis?: string;
}

export function withQueueOptions(command: Command): Command {
  return command
    .option("--run <name>", "which run it is about, where a Redis holds several (default: everything)")
    .option(
      "--redis <address>",
      "redis://HOST:PORT or rediss://…; one with a password belongs into UNSAM_REDIS (default: this machine's)",
    );
}

export function queuePackage(command: string): Promise<typeof import("@unsam/queue")> {
  return optionalPackage("@unsam/queue", command, () => import("@unsam/queue"));
}
