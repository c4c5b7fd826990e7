import { setTimeout } from "node:timers/promises";
import { EXIT_INTERRUPTED } from "../failure.js";

/** What work that was told to stop has to put its temporary files away. */
const GRACE_MS = 1000;

/** Ctrl-C, once for a whole process. A second one ends the process as if nothing listened. */
export class Interrupt {
  readonly #stop = new AbortController();
  readonly #left: Promise<never>;
  #isPatient = false;

  constructor() {
    this.#left = new Promise((_, reject) => {
      process.once("SIGINT", () => {
        this.#stop.abort(new Error("Interrupted."));
        setTimeout(GRACE_MS).then(() => this.#isPatient || reject(this.#stop.signal.reason));
      });
    });
    this.#left.catch(() => {});
  }

  /** Aborted by Ctrl-C. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** The work ends by itself when interrupted, in its own time and with its own exit code. */
  bePatient(): void {
    this.#isPatient = true;
  }

  /** The work, or an error soon after Ctrl-C where it goes on all the same. */
  endWaitingFor<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#left]);
  }

  /** Ends the process, whatever its threads are doing; patient work has ended already. */
  async leave(): Promise<void> {
    if (this.#isPatient) {
      process.exitCode ??= EXIT_INTERRUPTED;
      return;
    }
    const [{ ExitGuard }, { decodingInFlight }] = await Promise.all([
      import("@unsam/core/runtime"),
      import("@unsam/core/image"),
    ]);
    const isWaitedFor = () => ExitGuard.isWaitedFor || decodingInFlight();
    const latest = performance.now() + GRACE_MS;
    while (isWaitedFor() && performance.now() < latest) await setTimeout(20);
    // An exit would wait for a network or a decoder at work, for many seconds. A shell makes 130 of this, too.
    if (isWaitedFor()) process.kill(process.pid, "SIGINT");
    process.exit(EXIT_INTERRUPTED);
  }
}
