// A worker as a process of its own, to be killed: node worker.mjs REDIS QUEUE
import { work } from "@unsam/queue";
import { UnSAM } from "@unsam/sdk";

const [redis, queue] = process.argv.slice(2);
const stop = new AbortController();
process.on("SIGTERM", () => stop.abort());
const load = ({ model }, signal) => UnSAM.load({ model, threads: 1, signal });
const said = (what, photo) => process.stdout.write(`${what} ${photo}\n`);
await work({
  ...{ redis, queue, load, lockMs: 1000, untilDone: true, signal: stop.signal },
  onDone: (photo, made) => said(made ? "made" : "there", photo),
  onFailure: ({ photo, isParked }) => said(isParked ? "parked" : "failed", photo),
});
