// A worker-side module for the tests of ThreadGroup; it runs as it stands.
import { threadId } from "node:worker_threads";
import { callersAbort } from "#core/runtime/callers-abort.js";
import { keep } from "#core/runtime/keep.js";
import { move } from "#core/runtime/move.js";

const seen = [];
const released = [];

export function record(value) {
  seen.push(value);
  return [...seen];
}

export function where() {
  return threadId;
}

export async function sleep(milliseconds) {
  await new Promise((done) => setTimeout(done, milliseconds));
  return threadId;
}

/** Holds the thread up until both have come here, or for ten seconds. */
export function meet(cells) {
  Atomics.add(cells, 0, 1);
  Atomics.notify(cells, 0);
  return Atomics.load(cells, 0) >= 2 || Atomics.wait(cells, 0, 1, 10_000) !== "timed-out";
}

/** Holds the thread up until the cell is set. */
export function holdUntil(cells) {
  return Atomics.wait(cells, 0, 0, 10_000);
}

/** Goes on until nobody waits any more. */
export function goOn(cells) {
  Atomics.store(cells, 0, 1);
  const until = performance.now() + 10_000;
  try {
    while (performance.now() < until) callersAbort.throwIfAborted();
  } catch (cause) {
    seen.push(cause.message);
    throw cause;
  }
}

export function firstOf(array) {
  return array[0];
}

export function fail(message) {
  throw new TypeError(message);
}

/** Throws the `UnSAMError` of the module at `url`. */
export async function failAs(url, code, message) {
  const { UnSAMError } = await import(url);
  throw new UnSAMError(code, message);
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

/** An error that nobody catches, while the call runs; Node cannot serialise this kind. */
export function dieOfUncaught(message) {
  setTimeout(() => {
    throw new DOMException(message, "DataCloneError");
  });
  return new Promise(() => {});
}

export function die() {
  process.exit(3);
}

export function open(name) {
  return keep({ name }, { gone: `${name} is closed.`, release: () => released.push(name) });
}

export async function openSlowly(name, milliseconds) {
  await sleep(milliseconds);
  return { counter: open(name), length: name.length };
}

export function nameOf(counter) {
  return counter.name;
}

export function both(a, b) {
  return [a.name, b.name];
}

export async function nameLater(counter, milliseconds) {
  await sleep(milliseconds);
  return [counter.name, ...released];
}

export function releasedNames() {
  return [...released];
}
