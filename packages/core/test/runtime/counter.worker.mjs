// A worker-side module for the tests of WorkerThread; it runs as it stands.
import { threadId } from "node:worker_threads";

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

export function die() {
  process.exit(3);
}
