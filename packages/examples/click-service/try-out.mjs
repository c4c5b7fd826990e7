// Starts the service as a process of its own, uses it as a client would, and checks what comes back.
// node click-service/try-out.mjs PHOTO OTHER_PHOTO
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Mask } from "@unsam/sdk";

const [photo, other] = process.argv.slice(2);
const server = fileURLToPath(new URL("server.mjs", import.meta.url));
// One megabyte holds one of the two photos.
const child = spawn(process.execPath, [server, "0", "1"], { stdio: ["ignore", "pipe", "inherit"] });
const stopped = new Promise((resolve) => child.on("exit", (code) => resolve(code)));
try {
  const address = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once("line", (line) =>
      resolve(line.replace("listening on ", "")),
    );
    stopped.then((code) => reject(new Error(`the service ended with ${code}`)));
  });
  const post = async (path, body, type) => {
    // Whoever is told to come again does, for a minute.
    for (const until = performance.now() + 60_000; ; ) {
      const response = await fetch(address + path, {
        method: "POST",
        body,
        headers: { "content-type": type },
      });
      const answer = { status: response.status, body: await response.json() };
      if (answer.status !== 503 || performance.now() > until) return answer;
      const seconds = Number(response.headers.get("retry-after"));
      assert.ok(seconds >= 1 && seconds <= 60);
      await new Promise((done) => setTimeout(done, 1000 * seconds));
    }
  };
  const send = async (file) => post("/v1/images", await readFile(file), "image/jpeg");
  const ask = (id, prompt) =>
    post(`/v1/images/${id}/segment`, JSON.stringify({ prompts: [prompt] }), "application/json");

  const [{ body: image }, { body: same }] = await Promise.all([send(photo), send(photo)]);
  assert.equal(same.id, image.id);
  const areas = [];
  for (const granularity of [0.2, 0.5, 0.9]) {
    const { status, body } = await ask(image.id, { points: [[211, 144]], granularity });
    assert.equal(status, 200);
    const [{ rle, area }] = body.segments;
    const mask = Mask.fromRLE(rle);
    assert.deepEqual([mask.width, mask.height, mask.area], [image.width, image.height, area]);
    assert.ok(mask.has(211, 144));
    areas.push(area);
  }
  assert.ok(areas[0] <= areas[1] && areas[1] <= areas[2]);

  // What is wrong is said, and harms nobody else.
  assert.equal((await ask(image.id, { points: [[1e6, 5]] })).body.error.code, "E_BAD_PROMPT");
  assert.equal((await ask(image.id, { points: "here" })).status, 400);
  assert.equal((await ask("0".repeat(64), { points: [[1, 1]] })).status, 404);
  assert.equal((await post("/v1/images", "no photo", "image/png")).body.error.code, "E_BAD_IMAGE");
  assert.equal((await post("/v1/images", "{}", "application/json")).status, 400);

  // Many clicks at once on one photo, while another one pushes it out of the cache.
  const clicks = Array.from({ length: 20 }, (_, i) => ask(image.id, { points: [[40 + 10 * i, 100]] }));
  const { body: second } = await send(other);
  // 404: told to come again, and the photo was gone by then.
  const statuses = (await Promise.all(clicks)).map(({ status }) => status);
  assert.ok(statuses.every((status) => status === 200 || status === 404) && statuses.includes(200));
  const metrics = await (await fetch(`${address}/metrics`)).text();
  assert.match(metrics, /^unsam_images\{where="memory"\} 1$/m);
  assert.ok(Number(/^unsam_bytes\{what="images"\} (\d+)$/m.exec(metrics)[1]) < 2 * 2 ** 20);
  assert.equal((await ask(image.id, { points: [[211, 144]] })).status, 404);
  assert.equal((await ask(second.id, { points: [[100, 100]], granularity: "auto" })).status, 200);
  console.log(`click service: answered ${areas.length + 21} clicks; masks of ${areas.join(", ")} pixels`);
} finally {
  child.kill("SIGTERM");
}
assert.equal(await stopped, 0);
