// Starts the service and treats it as the world does: uploads that trickle, requests that are wrong, more clients than it
// can serve. Whoever is admitted is answered in time; whoever is not is told when to come again.
// node click-service/try-out-load.mjs PHOTO [SECONDS_A_CLIENT_WAITS]
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import sharp from "sharp";
import { clickService } from "./service.mjs";

const CLIENT_TIMEOUT_MS = 1000 * Number(process.argv[3] ?? 5);

const small = await readFile(process.argv[2]);
const app = await clickService({ requestTimeoutMs: 4000 });
const address = await app.listen({ port: 0, host: "127.0.0.1" });
const { port } = new URL(address);

async function post(path, body, type = "image/jpeg") {
  const signal = AbortSignal.timeout(CLIENT_TIMEOUT_MS);
  const headers = { "content-type": type };
  const response = await fetch(address + path, { method: "POST", body, headers, signal });
  const answer = { status: response.status, body: await response.json(), retryAfter: 0 };
  if (answer.status === 503) {
    answer.retryAfter = Number(response.headers.get("retry-after"));
    assert.ok(answer.retryAfter >= 1, "503 without Retry-After");
  }
  return answer;
}

/** Comes again when told to, until `until`. */
async function patient(request, until) {
  for (;;) {
    const answer = await request();
    if (answer.status !== 503 || performance.now() + 1000 * answer.retryAfter > until) return answer;
    await sleep(1000 * answer.retryAfter);
  }
}

/** An upload of which a byte comes now and then; resolves to what the service says in the end. */
function trickle() {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let answer = "";
    socket.write(
      "POST /v1/images HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: 1000000\r\n\r\n",
    );
    const drip = setInterval(() => socket.write("x"), 200);
    socket.on("data", (part) => {
      answer += part;
    });
    socket.on("error", () => {});
    socket.on("close", () => {
      clearInterval(drip);
      resolve(answer);
    });
  });
}

try {
  const inAMinute = performance.now() + 60_000;
  const trickling = Array.from({ length: 300 }, trickle);
  await sleep(500);
  const { status, body } = await patient(() => post("/v1/images", small), inAMinute);
  assert.equal(status, 200);
  const cuts = await Promise.all(trickling);
  // Cut off with 408; or told to come again, where it was busy when they began.
  assert.ok(cuts.every((answer) => /^HTTP\/1.1 (408|503) /.test(answer)));
  assert.match(await (await fetch(`${address}/metrics`)).text(), /^unsam_bytes\{what="uploads"\} 0$/m);

  const wrong = [
    () => post("/v1/images", "no photo"),
    () => post("/v1/images", small.subarray(0, 900)),
    () => post("/v1/images", "{}", "application/json"),
    () => post(`/v1/images/${body.id}/segment`, "{", "application/json"),
    () => post(`/v1/images/${body.id}/segment`, '{"prompts": [{"points": [[1e9, 0]]}]}', "application/json"),
    () => post("/v1/images/none/segment", '{"prompts": [{"points": [[1, 1]]}]}', "application/json"),
    () => post("/nowhere", "x", "text/plain"),
  ];
  let sent = 0;
  const seen = new Set();
  const sender = async () => {
    while (sent < 1000) seen.add((await wrong[sent++ % wrong.length]()).status);
  };
  await Promise.all(Array.from({ length: 20 }, sender));
  assert.ok([...seen].every((code) => (code >= 400 && code < 500) || code === 503));
  const still = await patient(
    () =>
      post(`/v1/images/${body.id}/segment`, '{"prompts": [{"points": [[100, 100]]}]}', "application/json"),
    inAMinute,
  );
  assert.equal(still.status, 200);

  // Twenty clients with a photo of 12 megapixels each; a few bytes behind its end make it another one.
  const photo = await sharp(small).resize(4000, 3000, { fit: "fill" }).jpeg({ quality: 80 }).toBuffer();
  const until = performance.now() + 30_000;
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const own = Buffer.concat([photo, Buffer.from([i])]);
      const image = await patient(() => post("/v1/images", own), until);
      if (image.status !== 200) return image.status;
      const click = JSON.stringify({ prompts: [{ points: [[2000, 1500]], granularity: 0.5 }] });
      const answer = await patient(
        () => post(`/v1/images/${image.body.id}/segment`, click, "application/json"),
        until,
      );
      return answer.status;
    }),
  );
  // 404: others have pushed the photo out meanwhile.
  assert.ok(
    outcomes.every((code) => [200, 404, 503].includes(code)),
    `${outcomes}`,
  );
  const served = outcomes.filter((code) => code === 200).length;
  console.log(
    `click service under load: 300 trickling uploads cut off, ${sent} wrong requests, ${served} of 20 served`,
  );
} finally {
  await app.close();
}
