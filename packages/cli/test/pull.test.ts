import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { inRepository, LocalHub, sha256 } from "@unsam/test-support";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { sentences, unsam } from "./run.js";
import { expectSchema } from "./schema.js";

const REPO = "some-body/mini";
const fixture = inRepository("packages", "core", "fixtures", "unsamv2-mini");
const weights = readFileSync(path.join(fixture, "checkpoint.safetensors"));
const config = path.join(fixture, "config.json");
const photo = inRepository("docs", "images", "fruit-board.jpg");

let hub: LocalHub;
let folder: string;
let env: NodeJS.ProcessEnv;
beforeEach(async () => {
  hub = await LocalHub.start();
  folder = mkdtempSync(path.join(tmpdir(), "unsam-pull-"));
  env = {
    HF_ENDPOINT: hub.endpoint,
    HF_HOME: path.join(folder, "hf"),
    UNSAM_CACHE: path.join(folder, "own"),
    HF_HUB_CACHE: "",
    HF_TOKEN: "",
    UNSAM_OFFLINE: "",
    HF_HUB_OFFLINE: "",
    NO_PROXY: "*",
    CI: "1",
  };
});
afterEach(async () => {
  await hub.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe("unsam pull", () => {
  it("prints the path alone, tells the licence before the download, and is quick the second time", async () => {
    hub.add(REPO, "in/mini.safetensors", weights);
    hub.facts = { cardData: { license: "cc-by-nc-4.0" } };
    const first = await unsam(["pull", `hf:${REPO}/in/mini.safetensors`], { env });
    expect(first.code).toBe(0);
    const file = first.stdout.trimEnd();
    expect(file).toBe(
      path.join(
        folder,
        "hf",
        "hub",
        "models--some-body--mini",
        "snapshots",
        hub.commit,
        "in",
        "mini.safetensors",
      ),
    );
    expect(weights.equals(readFileSync(file))).toBe(true);
    const said = sentences(first.stderr);
    expect(said[0]).toMatch(/^unsam: Downloading in\/mini\.safetensors \(.*licence cc-by-nc-4\.0\.$/);
    expect(said.at(-1)).toBe(
      `unsam: hf:${REPO}/in/mini.safetensors is downloaded: ${Math.round(weights.length / 1e6)} MB, SHA-256 ${sha256(weights)}.`,
    );
    const asked = hub.seen.length;
    const second = await unsam(["pull", `hf:${REPO}/in/mini.safetensors`, "--json"], { env });
    expect(JSON.parse(second.stdout)).toMatchObject([
      { path: file, downloaded: false, sha256: sha256(weights) },
    ]);
    expect(hub.seen.length).toBe(asked);
  });

  it("fails in one sentence", async () => {
    const { code, stderr, stdout } = await unsam(["pull", `hf:${REPO}/none.pt`], { env });
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(/^unsam: 127\.0\.0\.1:\d+ refuses none\.pt in some-body\/mini \(401\).*\n$/);
    const unknown = await unsam(["pull", "sam2.1-smal"], { env });
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toMatch(/does not exist; there are sam2\.1-tiny.*hf:/);
    const offline = await unsam(["pull", "sam2.1-small", "--offline"], { env });
    expect(offline.code).toBe(1);
    expect(offline.stderr).toMatch(/^unsam: The model .* is not in .*\n$/);
  });

  it("ends with Ctrl-C, and goes on from there the next time", async () => {
    hub.add(REPO, "mini.safetensors", weights);
    let isFirst = true;
    const half = Math.floor(weights.length / 2);
    const blobs = path.join(folder, "hf", "hub", "models--some-body--mini", "blobs");
    const part = path.join(blobs, `${sha256(weights)}.unsam-part`);
    const stopped = new Promise<number | null>((resolve) => {
      hub.interfere = (request, response) => {
        if (request.host !== "store" || !isFirst) return false;
        isFirst = false;
        response.setHeader("content-length", weights.length);
        response.write(weights.subarray(0, half));
        const timer = setInterval(() => {
          if (!existsSync(part) || readFileSync(part).length === 0) return;
          clearInterval(timer);
          child.kill("SIGINT");
        }, 50);
        return true;
      };
      const main = inRepository("packages", "cli", "dist", "main.js");
      const child = spawn(process.execPath, [main, "pull", `hf:${REPO}/mini.safetensors`], {
        env: { ...process.env, ...env },
        stdio: "ignore",
      });
      child.on("close", resolve);
    });
    expect(await stopped).toBe(130);
    const begun = readFileSync(part).length;
    expect(begun).toBeGreaterThan(0);
    const again = await unsam(["pull", `hf:${REPO}/mini.safetensors`], { env });
    expect(again.code).toBe(0);
    expect(hub.seen.at(-1)?.headers.range).toBe(`bytes=${begun}-`);
    expect(weights.equals(readFileSync(again.stdout.trimEnd()))).toBe(true);
  });
});

describe("unsam models", () => {
  it("lists what has a name, and opens no connection", async () => {
    const { code, stdout } = await unsam(["models"], { env });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^sam2\.1-small +184 MB +Apache-2\.0 +not here +https:\/\/huggingface\.co\/facebook/m,
    );
    const document = (await unsam(["models", "--json"], { env })).stdout;
    await expectSchema("models", document);
    const json = JSON.parse(document);
    expect(json.builtIn).toContain("region-tree");
    expect(json.fetched.map(({ name }: { name: string }) => name)).toContain("unsamv2");
    expect(hub.seen).toEqual([]);
  });
});

describe("--model", () => {
  it("takes a name to fetch wherever it takes a checkpoint", async () => {
    hub.add(REPO, "mini.safetensors", weights);
    const name = `hf:${REPO}/mini.safetensors`;
    const prompt = ["--point", "323,123", "--granularity", "0.5", "--config", config, "--json"];
    const fetched = await unsam(["segment", photo, "--model", name, ...prompt], { env });
    expect(fetched.code, fetched.stderr).toBe(0);
    const given = await unsam(
      ["segment", photo, "--model", path.join(fixture, "checkpoint.safetensors"), ...prompt],
      { env },
    );
    expect(JSON.parse(fetched.stdout).segment).toEqual(JSON.parse(given.stdout).segment);
    const inspected = await unsam(["inspect", name, "--config", config, "--json"], {
      env: { ...env, UNSAM_OFFLINE: "1" },
    });
    expect(JSON.parse(inspected.stdout).byteLength).toBe(weights.length);
    expect(hub.downloads.length).toBe(2);
  });

  it("that is nothing of all this is told what there is", async () => {
    const { code, stderr } = await unsam(["segment", photo, "--model", "sam3", "--point", "1,1"], { env });
    expect(code).toBe(2);
    expect(stderr).toMatch(/neither a built-in model .*sam2\.1-small.*hf:.*nor a file/);
  });
});
