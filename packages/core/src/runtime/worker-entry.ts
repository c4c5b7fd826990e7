import { parentPort } from "node:worker_threads";
import { Moved } from "./move.js";
import { type CallMessage, describe, type ReplyMessage } from "./worker-thread.js";

// The other side of WorkerThread: it posts one call at a time, so nothing here needs a queue.
const port = parentPort;
if (!port) throw new Error("worker-entry.js runs in a worker thread only.");

port.on("message", async (call: CallMessage) => {
  let reply: ReplyMessage;
  let transfer: readonly ArrayBuffer[] = [];
  try {
    const module = await import(call.module);
    const result = await module[call.name](...call.args);
    const moved = result instanceof Moved;
    reply = { ok: true, value: moved ? result.moved : result };
    if (moved) transfer = result.buffers;
  } catch (cause) {
    reply = { ok: false, error: describe(cause) };
  }
  port.postMessage(reply, transfer);
});
