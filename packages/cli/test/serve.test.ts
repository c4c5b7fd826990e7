import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";
import { UnSAMClient } from "@unsam/server/client";
import { inRepository } from "@unsam/test-support";
import { expect, it } from "vitest";
import { unsam } from "./run.js";

it("unsam serve answers until it is told to stop, needs a token of the environment, and ends with 0", async () => {
  const token = "a-token-of-the-environment";
  const apiKey = "a-key-of-label-studio";
  const words = [
    "serve",
    "--port",
    "0",
    "--host",
    "0.0.0.0",
    "--model",
    "region-tree",
    "--no-defaults",
    "--label-studio",
    "http://127.0.0.1:9",
    "--log",
  ];
  const child = spawn(process.execPath, [inRepository("packages", "cli", "bin", "unsam.js"), ...words], {
    env: {
      ...process.env,
      UNSAM_TOKENS: `another-long-token, ${token}`,
      LABEL_STUDIO_API_KEY: `${apiKey}\n`,
    },
  });
  let log = "";
  child.stdout.on("data", (part) => {
    log += part;
  });
  const ended = once(child, "exit");
  const lines = createInterface({ input: child.stderr });
  let port = "";
  for await (const line of lines) {
    port = /Listening on http:\/\/[\d.]+:(\d+)/.exec(line)?.[1] ?? "";
    if (port !== "") break;
  }
  const address = `http://127.0.0.1:${port}`;
  await expect(new UnSAMClient({ address }).models()).rejects.toMatchObject({ status: 401 });
  const client = new UnSAMClient({ address, token });
  const photo = await readFile(inRepository("docs", "images", "fruit-board.jpg"));
  const { segments } = await client.segmentPhoto(photo, { prompts: [{ points: [[323, 123]] }] });
  expect(segments[0].rle.size).toEqual([341, 512]);
  const setup = await fetch(`${address}/label-studio/setup`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      authorization: `Basic ${Buffer.from(`any:${token}`).toString("base64")}`,
    },
    body: JSON.stringify({ project: "1.2" }),
  });
  expect(await setup.json()).toEqual({ model_version: expect.stringMatching(/^unsam region-tree /) });
  child.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
  expect(log).toContain('"url":"/v1/segment"');
  expect(log).not.toContain(token);
  expect(log).not.toContain(apiKey);
});

it("unsam serve refuses the key of a Label Studio that is not named", async () => {
  const { code, stderr } = await unsam(["serve", "--label-studio-key-file", "key.txt", "--no-defaults"]);
  expect([code, stderr]).toEqual([2, expect.stringMatching(/give --label-studio with it/)]);
});
