// node packages/queue/bench/killed-workers.mjs [PHOTOS] [KILLS]: 200 photos, 4 workers, SIGKILL at 30 random moments, Redis killed and started
// again once. Says whether every result is there exactly once and the same as one process alone writes. Needs redis-server.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as after } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { enqueue, runStatus } from "@unsam/queue";
import { UnSAM } from "@unsam/sdk";
import sharp from "sharp";

const WORKERS = 4;
const [photos = 200, kills = 30] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(path.join(tmpdir(), "unsam-killed-"));
const [input, out] = ["photos", "out"].map((name) => path.join(folder, name));
const port = await freePort();
const redis = `redis://127.0.0.1:${port}`;

const unsam = await UnSAM.load({ model: "region-tree" });
await makePhotos();
let server = await startRedis();
const ids = new Map();
const begun = performance.now();
const run = {
  unsam,
  model: { model: "region-tree" },
  inputs: [input],
  out,
  redis,
  formats: ["json", "coco.json"],
};
console.log("enqueued", await enqueue({ ...run, onPhoto: (photo, id) => void ids.set(photo, id) }));

const counts = { made: 0, there: 0, failed: 0, parked: 0 };
const team = Array.from({ length: WORKERS }, startWorker);
let killed = 0;
let restarted = false;
while (killed < kills) {
  await after(300 + 2000 * Math.random());
  const { done } = await runStatus({ redis });
  if (done === photos) break;
  const i = Math.floor(WORKERS * Math.random());
  team[i].kill("SIGKILL");
  killed++;
  team[i] = startWorker();
  if (restarted || killed < kills / 2) continue;
  restarted = true;
  server.kill("SIGKILL");
  await once(server, "exit");
  await after(1000);
  server = await startRedis();
  console.log("Redis killed and started again");
}
console.log(`${killed} workers killed`);
await Promise.all(team.map((child) => (child.exitCode === null ? once(child, "exit") : null)));
const { run: _, ...status } = await runStatus({ redis });
console.log(status, counts, `${((performance.now() - begun) / 1000).toFixed(0)} s`);

const expected = new Map();
for (const [photo, id] of ids) {
  const image = await unsam.encode(photo);
  const scene = await image.everything();
  await image.dispose();
  const alone = path.join(folder, "alone");
  mkdirSync(alone, { recursive: true });
  await scene.save(path.join(alone, `${id}.json`));
  await scene.export(path.join(alone, `${id}.coco.json`), { format: "coco", fileName: path.basename(photo) });
  for (const end of ["json", "coco.json"])
    expected.set(`${id}.${end}`, readFileSync(path.join(alone, `${id}.${end}`)));
}
const made = readdirSync(out, { recursive: true, encoding: "utf8" }).filter((name) =>
  path.basename(name).includes("."),
);
const finals = made.filter((name) => !path.basename(name).startsWith("."));
const same = finals.filter((name) =>
  expected.get(path.basename(name))?.equals(readFileSync(path.join(out, name))),
);
console.log(
  `${expected.size} results expected, ${finals.length} files there, ${same.length} of them the same`,
);
console.log(`${made.length - finals.length} leftovers of killed workers, which the next worker removes`);
const isWell = status.done === photos && finals.length === expected.size && same.length === expected.size;
console.log(isWell ? "every result exactly once, and the same" : "NOT WELL");
server.kill();
await unsam.dispose();
rmSync(folder, { recursive: true });
process.exitCode = isWell ? 0 : 1;

async function makePhotos() {
  mkdirSync(input);
  const text = fileURLToPath(new URL("../../../docs/images/fruit-board.jpg", import.meta.url));
  const photo = sharp(readFileSync(text)).resize(320, 240, { fit: "cover" });
  for (let i = 0; i < photos; i++) {
    const one = await photo
      .clone()
      .modulate({ brightness: 0.8 + (0.4 * i) / photos, hue: i % 360 })
      .png()
      .toBuffer();
    writeFileSync(path.join(input, `${String(i).padStart(4, "0")}.png`), one);
  }
}

function startWorker() {
  const program = fileURLToPath(new URL("../test/support/worker.mjs", import.meta.url));
  const child = spawn(process.execPath, [program, redis, "everything"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  child.stdout.on("data", (text) => {
    for (const line of String(text).trim().split("\n")) counts[line.split(" ")[0]]++;
  });
  return child;
}

async function startRedis() {
  const words = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--dir", folder];
  const child = spawn("redis-server", words.map(String), { stdio: ["ignore", "pipe", "inherit"] });
  let log = "";
  for await (const piece of child.stdout) {
    log += piece;
    if (log.includes("Ready to accept connections")) break;
  }
  return child;
}

async function freePort() {
  const listening = createServer().listen(0, "127.0.0.1");
  await once(listening, "listening");
  const { port: free } = listening.address();
  listening.close();
  await once(listening, "close");
  return free;
}
