// What a service holds and how long clicks wait: 500 clients click on one image, then 20 click while 4 photos are looked at all the time.
// node packages/server/bench/load.mjs [MODEL]
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { UnSAMClient } from "@unsam/server/client";
import sharp from "sharp";

const model = process.argv[2] ?? "region-tree";
const SERVE = `
  import { serve } from "@unsam/server";
  const server = await serve({ port: 0, load: { model: ${JSON.stringify(model)} }, rate: false, limits: { encodesAtOnce: 4 } });
  process.once("SIGTERM", () => server.stop());
  console.log(server.address);`;

const child = spawn(process.execPath, ["--input-type=module", "--eval", SERVE], {
  cwd: fileURLToPath(new URL("..", import.meta.url)),
  stdio: ["ignore", "pipe", "inherit"],
});
const [address] = await once(createInterface({ input: child.stdout }), "line");
const client = new UnSAMClient({ address });

/** Megabytes in memory: now, and at most so far. */
function memory() {
  const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
  const read = (name) => Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)[1]) / 1024);
  return `${read("VmRSS")} MiB, at most ${read("VmHWM")}`;
}

const source = sharp(fileURLToPath(new URL("../../../docs/images/fruit-board.jpg", import.meta.url)));
const photo = await source.resize(1600, 1200, { fit: "fill" }).jpeg().toBuffer();
const { id } = await client.addImage(photo);
const prompts = [{ points: [[1000, 430]], granularity: 0.6 }];

/** Mean milliseconds of the stages of a click inside of the service. */
async function stages() {
  const text = await client.metrics();
  const read = (stage, what) =>
    Number(new RegExp(`unsam_stage_seconds_${what}\\{stage="${stage}"\\} (\\S+)`).exec(text)?.[1]);
  return ["segment", "write"]
    .map((stage) => `${stage} ${((1000 * read(stage, "sum")) / read(stage, "count")).toFixed(1)} ms`)
    .join(", ");
}

async function clicks(clients, each) {
  const times = [];
  const refused = new Map();
  await Promise.all(
    Array.from({ length: clients }, async () => {
      for (let i = 0; i < each; i++) {
        const start = performance.now();
        try {
          await client.segment(id, { prompts });
          times.push(performance.now() - start);
        } catch ({ status, cause }) {
          const why = status ?? cause?.code ?? "cut off";
          refused.set(why, (refused.get(why) ?? 0) + 1);
        }
      }
    }),
  );
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(share * times.length))]?.toFixed(1);
  const not = [...refused].map(([status, count]) => `${count} with ${status}`).join(", ");
  return `${times.length} answered${not ? `, refused ${not}` : ""}; median ${at(0.5)} ms, p95 ${at(0.95)} ms`;
}

console.log(`loaded: ${memory()}`);
await clicks(1, 20);
console.log(`one client, idle: ${await clicks(1, 100)}`);
console.log(await stages());
console.log(`500 clients: ${await clicks(500, 4)}; ${memory()}`);

let isOver = false;
let looked = 0;
const encoding = Array.from({ length: 4 }, async (_, worker) => {
  // A few bytes behind its end make it another photo.
  for (let i = 0; !isOver; i++) {
    const added = client.addImage(Buffer.concat([photo, Buffer.from([worker, i])]));
    await added.then(
      () => looked++,
      () => new Promise((resolve) => setTimeout(resolve, 500)),
    );
  }
});
await new Promise((resolve) => setTimeout(resolve, 1000));
console.log(`one client while 4 photos are looked at: ${await clicks(1, 200)}`);
console.log(await stages());
isOver = true;
await Promise.allSettled(encoding);
console.log(`photos looked at meanwhile: ${looked}; ${memory()}`);

const small = await source.resize(640, 480, { fit: "fill" }).jpeg().toBuffer();
const outcomes = new Map();
await Promise.all(
  Array.from({ length: 500 }, async (_, i) => {
    const own = Buffer.concat([small, Buffer.from([i >> 8, i & 255])]);
    const outcome = await client.addImage(own).then(
      () => 200,
      ({ status = "cut off" }) => status,
    );
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }),
);
console.log(`500 photos at once: ${JSON.stringify([...outcomes])}; ${memory()}`);
child.kill("SIGTERM");
await once(child, "exit");
