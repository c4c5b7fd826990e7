import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { inRepository } from "@unsam/test-support";
import { expect, it } from "vitest";

it("unsam studio prints its address alone, offers the photos of a folder, and ends with 0 when it is told to stop", async () => {
  const words = [
    "studio",
    inRepository("docs", "images"),
    "--model",
    "region-tree",
    "--no-open",
    "--no-defaults",
  ];
  const child = spawn(process.execPath, [inRepository("packages", "cli", "bin", "unsam.js"), ...words]);
  let printed = "";
  child.stdout.on("data", (part) => {
    printed += part;
  });
  const ended = once(child, "exit");
  for await (const line of createInterface({ input: child.stderr })) if (line.includes("Ctrl-C")) break;
  const { origin, hash } = new URL(printed.trim());
  expect(printed).toBe(`${origin}/${hash}\n`);
  const headers = { authorization: `Bearer ${hash.slice(1)}` };
  const listed = await fetch(`${origin}/studio/photos`, { headers });
  expect(await listed.json()).toMatchObject({ photos: expect.arrayContaining(["fruit-board.jpg"]) });
  expect((await fetch(`${origin}/studio/photos`)).status).toBe(401);
  child.kill("SIGTERM");
  expect(await ended).toEqual([0, null]);
});
