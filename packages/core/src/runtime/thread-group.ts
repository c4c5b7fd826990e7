import type { MessagePort } from "node:worker_threads";
import { UnSAMError } from "../errors.js";
import type { ExitGuard } from "./exit-guard.js";
import { Handle, type Home } from "./handle.js";
import type { Kept } from "./keep.js";
import type { Moved } from "./move.js";
import { type Priority, PriorityLine, type Server } from "./priority-line.js";
import { type Reply, type ThreadCall, WorkerThread } from "./worker-thread.js";

export interface GroupOptions {
  /** Threads for any work, started as work needs them. */
  readonly size: number;
  /** One more thread, for interactive work alone, and what is kept there. Default false. */
  readonly reserved?: boolean;
  readonly guard?: ExitGuard;
}

export interface CallOptions {
  /** Default: that of the binding. */
  readonly priority?: Priority | undefined;
  /** Buffers and ports that move to the thread; here they are of no use afterwards. */
  readonly transfer?: readonly (ArrayBuffer | MessagePort)[] | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Runs on the reserved thread, so that what the call keeps can be asked while bulk work runs elsewhere. */
  readonly reserved?: boolean | undefined;
  /** Shared by calls of which only so many run at once. */
  readonly limit?: CallLimit | undefined;
}

/** How many calls that share it run at once. */
export class CallLimit {
  readonly atMost: number;
  running = 0;

  constructor(atMost: number) {
    this.atMost = atMost;
  }
}

/** The functions of a worker-side module, as the other threads see them. */
type Functions<Module> = {
  [Name in keyof Module as Module[Name] extends (...args: never[]) => unknown ? Name : never]: Module[Name];
};
type Arguments<F> = F extends (...args: infer A) => unknown ? OrHandles<A> : never;
type OrHandles<A> = { [Place in keyof A]: A[Place] | Handle<A[Place]> };
type Result<F> = F extends (...args: never[]) => infer R ? AsReturned<Awaited<R>> : never;
type AsReturned<R> =
  R extends Moved<infer Value>
    ? AsReturned<Value>
    : R extends Kept<infer Value>
      ? Handle<Value>
      : [Extract<R[keyof R], Kept<unknown>>] extends [never]
        ? R
        : { [Key in keyof R]: R[Key] extends Kept<infer Value> ? Handle<Value> : R[Key] };

/** Calls functions of one module on a thread of a group. */
export type Calls<Module> = <Name extends keyof Functions<Module> & string>(
  name: Name,
  args: Arguments<Module[Name]>,
  options?: CallOptions,
) => Promise<Result<Module[Name]>>;

interface Job extends ThreadCall {
  readonly priority: Priority;
  /** The thread where its arguments live; null: any. */
  readonly home: Home | null;
  readonly reserved: boolean;
  readonly limit: CallLimit | null;
  /** It runs and counts in its limit. */
  counted: boolean;
}

/** A place for a thread in the group. */
interface Slot extends Server {
  readonly reserved: boolean;
  thread: WorkerThread | null;
}

/**
 * Worker threads that share one line of waiting calls (see `PriorityLine`). A call runs on the thread where the handles
 * among its arguments live, else on whichever thread is free first; threads start when there is work for them. A thread
 * that dies takes what it held with it; the next call starts a new one.
 */
export class ThreadGroup {
  readonly #name: string;
  readonly #guard: ExitGuard | null;
  readonly #line = new PriorityLine<Job>();
  readonly #slots: Slot[];

  constructor(name: string, { size, reserved = false, guard }: GroupOptions) {
    this.#name = name;
    this.#guard = guard ?? null;
    this.#slots = reserved ? [emptySlot(true)] : [];
    this.grow(size);
  }

  /** Lets it start at least so many threads for any work. */
  grow(size: number): void {
    const lacking = size - this.#slots.filter(({ reserved }) => !reserved).length;
    for (let i = 0; i < lacking; i++) this.#slots.push(emptySlot(false));
    this.#dispatch();
  }

  /** A typed view of one worker-side module: `group.bind<typeof import("./x.worker.js")>(url, "bulk")("f", [args])`. */
  bind<Module>(module: URL, priority: Priority): Calls<Module> {
    return (name, args, options = {}) =>
      this.#call(
        { module: module.href, name, args: args as readonly unknown[] },
        { ...options, priority: options.priority ?? priority },
      );
  }

  #call<R>(
    { module, name, args }: Pick<ThreadCall, "module" | "name" | "args">,
    options: CallOptions & { readonly priority: Priority },
  ): Promise<R> {
    const { priority, transfer = [], signal, reserved = false, limit = null } = options;
    return new Promise<R>((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = () => {
        if (!this.#line.remove(job)) for (const { thread } of this.#slots) thread?.stop(job);
        reject(signal?.reason);
      };
      const settle = (reply: Reply) => {
        signal?.removeEventListener("abort", onAbort);
        if (job.counted && limit) limit.running--;
        if (!reply.ok) {
          reject(reply.error);
        } else if (signal?.aborted) {
          // Nobody knows of what it has left on the thread.
          for (const handle of reply.handles) handle.release().catch(() => {});
        } else {
          resolve(reply.value as R);
        }
      };
      const home = args.find((value) => value instanceof Handle)?.home ?? null;
      const job: Job = {
        module,
        name,
        args,
        transfer,
        settle,
        priority,
        home,
        reserved,
        limit,
        counted: false,
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#line.add(job);
      this.#dispatch();
    });
  }

  /** Gives every free thread work, as far as there is some for it. */
  #dispatch(): void {
    for (const slot of this.#free()) {
      // Whoever is told of an error may have made another call, and so given this thread work, in the meantime.
      while (!slot.thread?.busy) {
        const job = this.#line.take(slot, (waiting) => fits(waiting, slot));
        if (!job) break;
        const refusal = refusalOf(job);
        if (refusal) job.settle({ ok: false, error: refusal });
        else this.#start(slot, job);
      }
    }
  }

  /** Free places: those whose thread runs already come first, the reserved one last, so that it stays free. */
  #free(): Slot[] {
    const rank = ({ thread, reserved }: Slot) => (thread ? 0 : 2) + (reserved ? 1 : 0);
    return this.#slots.filter(({ thread }) => !thread?.busy).sort((a, b) => rank(a) - rank(b));
  }

  #start(slot: Slot, job: Job): void {
    try {
      slot.thread ??= this.#open(slot);
    } catch (cause) {
      const message = `A thread of the ${this.#name} group could not be started: ${(cause as Error).message}`;
      job.settle({ ok: false, error: new UnSAMError("E_RUNTIME", message, { cause }) });
      return;
    }
    if (job.limit) {
      job.limit.running++;
      job.counted = true;
    }
    slot.thread.run(job);
  }

  #open(slot: Slot): WorkerThread {
    const thread = new WorkerThread({
      name: this.#name,
      guard: this.#guard,
      onFree: () => {
        if (thread.lost && slot.thread === thread) slot.thread = null;
        this.#dispatch();
      },
    });
    return thread;
  }
}

function emptySlot(reserved: boolean): Slot {
  return { reserved, thread: null, passed: 0 };
}

/** Calls whose thread is gone fit everywhere: they only have to be told. */
function fits({ priority, home, reserved, limit }: Job, slot: Slot): boolean {
  if (limit && limit.running >= limit.atMost) return false;
  if (home && !home.lost) return home === slot.thread;
  return slot.reserved ? reserved || priority === "interactive" : !reserved;
}

/** Why a call cannot run; null: it can. */
function refusalOf({ args, home }: Job): Error | null {
  for (const value of args) {
    if (!(value instanceof Handle)) continue;
    if (value.released) return new UnSAMError("E_DISPOSED", value.gone);
    if (value.home.lost) return value.home.lost;
    if (value.home !== home) return new Error("A call takes handles of one thread only.");
  }
  return null;
}
