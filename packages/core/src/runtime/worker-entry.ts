import { parentPort } from "node:worker_threads";
import { reasonOf } from "../files/index.js";
import { beginCall } from "./callers-abort.js";
import { Kept } from "./keep.js";
import {
  type CallMessage,
  errorMessage,
  type FromWorker,
  type KeptField,
  type ReleaseMessage,
  type ToWorker,
} from "./messages.js";
import { Moved } from "./move.js";

// The other side of WorkerThread, which posts one call at a time; releases may come in between.
if (!parentPort) throw new Error("worker-entry.js runs in a worker thread only.");
const port = parentPort;

interface Reply {
  readonly message: FromWorker;
  readonly transfer: readonly ArrayBuffer[];
}

let lastId = 0;
const kept = new Map<number, Kept<unknown>>();
/** End of what has been taken up: a release must not free what a call is working with. */
let last: Promise<void> = Promise.resolve();

port.on("message", (message: ToWorker) => {
  last = last.then(async () => {
    const reply = message.kind === "call" ? await call(message) : await release(message);
    try {
      port.postMessage(reply.message, reply.transfer);
    } catch (cause) {
      const what = message.kind === "call" ? message.name : "a release";
      refuse(`The result of ${what} could not be sent back: ${reasonOf(cause)}.`);
    }
  });
});

port.on("messageerror", (cause) => refuse(`A call could not be read: ${reasonOf(cause)}.`));

// Node tells the other side of an uncaught error too, but nothing about one that it cannot serialise (a DOMException).
process.on("uncaughtExceptionMonitor", (cause) => {
  port.postMessage({ kind: "dying", why: reasonOf(cause) } satisfies FromWorker);
});

function refuse(message: string): void {
  const error = { code: "E_RUNTIME", message, stack: undefined } as const;
  port.postMessage({ kind: "failed", error } satisfies FromWorker);
}

async function call({ number, module, name, args, handles }: CallMessage): Promise<Reply> {
  beginCall(number);
  try {
    const functions = await import(module);
    const given = [...args];
    for (const [place, id] of handles) given[place] = kept.get(id)?.kept;
    return reply(await functions[name](...given));
  } catch (cause) {
    return { message: { kind: "failed", error: errorMessage(cause) }, transfer: [] };
  } finally {
    beginCall(0);
  }
}

function reply(result: unknown): Reply {
  const moved = result instanceof Moved;
  const value = moved ? result.moved : result;
  const transfer = moved ? result.buffers : [];
  if (value instanceof Kept) {
    return { message: { kind: "result", value: null, kept: [adopt(null, value)] }, transfer };
  }
  if (typeof value !== "object" || value === null || Object.getPrototypeOf(value) !== Object.prototype) {
    return { message: { kind: "result", value, kept: [] }, transfer };
  }
  const fields = Object.entries(value);
  const staying = fields.filter((field): field is [string, Kept<unknown>] => field[1] instanceof Kept);
  const crossing = Object.fromEntries(fields.filter(([, field]) => !(field instanceof Kept)));
  const message = {
    kind: "result" as const,
    value: crossing,
    kept: staying.map(([key, field]) => adopt(key, field)),
  };
  return { message, transfer };
}

function adopt(key: string | null, value: Kept<unknown>): KeptField {
  kept.set(++lastId, value);
  return { key, id: lastId, gone: value.gone };
}

async function release({ id }: ReleaseMessage): Promise<Reply> {
  const value = kept.get(id);
  kept.delete(id);
  try {
    await value?.release?.();
    return { message: { kind: "released", id, error: null }, transfer: [] };
  } catch (cause) {
    return { message: { kind: "released", id, error: errorMessage(cause) }, transfer: [] };
  }
}
