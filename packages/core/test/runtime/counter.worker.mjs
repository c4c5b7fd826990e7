// A worker-side module for the tests of WorkerThread; it runs as it stands.
import { threadId } from "node:worker_threads";
import { move } from "#core/runtime/move.js";

const seen = [];

export function record(value) {
  seen.push(value);
  return [...seen];
}

export function where() {
  return threadId;
}

export async function sleep(milliseconds) {
  await new Promise((done) => setTimeout(done, milliseconds));
  return { handle: 7 };
}

export function firstOf(array) {
  return array[0];
}

export function fail(message) {
  throw new TypeError(message);
}

export function failSilently() {
  throw new Error("");
}

/** A result that no thread can send. */
export function unsendable() {
  return { answer: () => 42 };
}

/** Lists a buffer to move that was moved before. */
export function moveTwice() {
  const array = new Float32Array(2 ** 20);
  structuredClone(array, { transfer: [array.buffer] });
  return move(array, array);
}

export function die() {
  process.exit(3);
}

/** An error that nobody catches, while the call runs; Node cannot serialise this kind. */
export function dieOfUncaught(message) {
  setTimeout(() => {
    throw new DOMException(message, "DataCloneError");
  });
  return new Promise(() => {});
}
