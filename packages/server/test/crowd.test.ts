import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { type Prompt, ServiceFailure, UnSAMClient } from "@unsam/server/client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { photo } from "./server.js";

const CLIENTS = 500;
/** What docs/service.md says that it holds, and as much again. */
const MOST_MEMORY_MIB = 1280;
const TOKEN = "a-token-of-the-five-hundred";
// A process of its own, whose memory is its own.
const SERVE = `
  import { serve } from "@unsam/server";
  const server = await serve({ port: 0, load: { model: "region-tree" }, rate: false, tokens: ["${TOKEN}"], limits: { encodesAtOnce: 4 } });
  process.once("SIGTERM", () => server.stop());
  console.log(server.address);`;

let child: ChildProcess;
let address: string;
let client: UnSAMClient;
let id: string;
const prompts: Prompt[] = [{ points: [[300, 300]], granularity: 0.6 }];

beforeAll(async () => {
  child = spawn(process.execPath, ["--input-type=module", "--eval", SERVE], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
    stdio: ["ignore", "pipe", "inherit"],
  });
  [address] = await once(createInterface({ input: child.stdout! }), "line");
  client = new UnSAMClient({ address, token: TOKEN });
  id = (await client.addImage(await photo(0, 1600, 1200))).id;
});
afterAll(async () => {
  child.kill("SIGKILL");
});

/** What became of a request: its status; 503 only with when to come again. */
async function outcome(request: Promise<unknown>): Promise<string> {
  try {
    await request;
    return "200";
  } catch (problem) {
    if (!(problem instanceof ServiceFailure)) return String((problem as Error).cause ?? problem);
    return problem.status === 503 && problem.retryAfter === null
      ? "503 without a time"
      : String(problem.status);
  }
}

it("answers or refuses each of 500 clients at once, lets in nobody without a token, and stays within its memory", async () => {
  const stranger = new UnSAMClient({ address, token: `${TOKEN}x` });
  const photos = await Promise.all(Array.from({ length: 50 }, (_, shade) => photo(shade + 1, 800, 600)));
  const counts: Record<string, Map<string, number>> = {
    clicks: new Map(),
    photos: new Map(),
    strangers: new Map(),
  };
  const count = async (what: keyof typeof counts, request: Promise<unknown>) => {
    const status = await outcome(request);
    counts[what].set(status, (counts[what].get(status) ?? 0) + 1);
  };
  await Promise.all(
    Array.from({ length: CLIENTS }, async (_, k) => {
      await count("strangers", stranger.segment(id, { prompts }));
      if (k % 10 === 0) await count("photos", client.addImage(photos[k / 10]));
      for (let i = 0; i < 2; i++) await count("clicks", client.segment(id, { prompts }));
    }),
  );
  expect([...counts.strangers]).toEqual([["401", CLIENTS]]);
  for (const what of ["clicks", "photos"] as const) {
    expect([...counts[what].keys()].filter((status) => status !== "200" && status !== "503")).toEqual([]);
    expect(counts[what].get("200")).toBeGreaterThan(0);
  }
  expect(child.exitCode).toBeNull();
  expect((await client.segment(id, { prompts })).segments).toHaveLength(1);
  if (process.platform !== "linux") return;
  const most = /VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))![1];
  console.info(
    `${Math.round(Number(most) / 1024)} MiB at most; clicks: ${JSON.stringify([...counts.clicks])}`,
  );
  expect(Number(most) / 1024).toBeLessThan(MOST_MEMORY_MIB);
});

it("ends what it accepted when it is told to stop in the middle of a crowd", async () => {
  const answers = Array.from({ length: 100 }, () => outcome(client.segment(id, { prompts })));
  // One answer is there; most of the others have come in.
  await Promise.any(answers);
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  const statuses = new Set(await Promise.all(answers));
  expect([...statuses].filter((status) => status !== "200" && status !== "503")).toEqual([]);
  expect(statuses).toContain("200");
  expect(await ended).toEqual([0, null]);
});
