import { parentPort } from "node:worker_threads";
import { reasonOf } from "../files/index.js";
import { Moved } from "./move.js";
import { type CallMessage, describe, type ReplyMessage } from "./worker-thread.js";

// The other side of WorkerThread: it posts one call at a time, so nothing here needs a queue.
const port = parentPort;
if (!port) throw new Error("worker-entry.js runs in a worker thread only.");

port.on("message", async (call: CallMessage) => {
  const { reply, transfer } = await answer(call);
  try {
    port.postMessage(reply, transfer);
  } catch (cause) {
    refuse(`The result of ${call.name} could not be sent back: ${reasonOf(cause)}.`);
  }
});

port.on("messageerror", (cause) => refuse(`A call could not be read: ${reasonOf(cause)}.`));

// Node tells the other side of an uncaught error too, but nothing about one that it cannot serialise (a DOMException).
process.on("uncaughtExceptionMonitor", (cause) => {
  port.postMessage({ dying: reasonOf(cause) } satisfies ReplyMessage);
});

async function answer(call: CallMessage): Promise<{ reply: ReplyMessage; transfer: readonly ArrayBuffer[] }> {
  try {
    const module = await import(call.module);
    const result = await module[call.name](...call.args);
    if (result instanceof Moved)
      return { reply: { ok: true, value: result.moved }, transfer: result.buffers };
    return { reply: { ok: true, value: result }, transfer: [] };
  } catch (cause) {
    return { reply: { ok: false, error: describe(cause) }, transfer: [] };
  }
}

function refuse(message: string): void {
  const error = { code: "E_RUNTIME", message, stack: undefined } as const;
  port?.postMessage({ ok: false, error } satisfies ReplyMessage);
}
