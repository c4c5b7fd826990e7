import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { listModels, MODEL_NAMES, type PullProgress, pullModel, UnSAM } from "@unsam/sdk";
import { inRepository, LocalHub, sha256 } from "@unsam/test-support";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

const REPO = "some-body/mini";
const NAME = `hf:${REPO}/mini.safetensors` as const;
const fixture = inRepository("packages", "core", "fixtures", "unsamv2-mini");
const weights = readFileSync(path.join(fixture, "checkpoint.safetensors"));
const config = path.join(fixture, "config.json");

let hub: LocalHub;
let folder: string;
beforeEach(async () => {
  hub = await LocalHub.start();
  hub.add(REPO, "mini.safetensors", weights);
  folder = mkdtempSync(path.join(tmpdir(), "unsam-names-"));
  for (const [name, value] of Object.entries(hub.environment(folder))) vi.stubEnv(name, value);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await hub.stop();
  rmSync(folder, { recursive: true, force: true });
});

describe("UnSAM.load", () => {
  it("fetches what a name means, tells how far it is, and answers as with the file", async () => {
    const told: PullProgress[] = [];
    await using unsam = await UnSAM.load({
      model: { checkpoint: NAME, config },
      onProgress: (progress) => told.push(progress),
    });
    expect(unsam.model.name).toMatch(/models--some-body--mini.*mini\.safetensors$/);
    expect(told[0]).toMatchObject({ phase: "start", total: weights.length });
    expect(told.at(-1)).toMatchObject({ phase: "done", bytes: weights.length });
    const asked = hub.seen.length;
    await using again = await UnSAM.load({ model: { checkpoint: NAME, config }, offline: true });
    expect(again.model).toEqual(unsam.model);
    expect(hub.seen.length).toBe(asked);
  });

  it("takes a name alone where the checkpoint needs no configuration", async () => {
    // The small fixture does need one, and says so after it has come.
    await expect(UnSAM.load({ model: NAME })).rejects.toMatchObject({ code: "E_BAD_CONFIG" });
    expect(hub.downloads.length).toBeGreaterThan(0);
  });

  it("checks all other options before anything is fetched", async () => {
    const wrong = [
      { threads: 0 },
      { offline: "yes" },
      { onProgress: 1 },
      { calibration: path.join(folder, "none.json") },
    ];
    for (const options of wrong) {
      await expect(UnSAM.load({ model: NAME, ...options } as never)).rejects.toMatchObject({
        name: "UnSAMError",
      });
    }
    expect(hub.seen).toEqual([]);
  });

  it("refuses names that do not exist with those that do, and offline what is not here", async () => {
    await expect(UnSAM.load({ model: "sam2.1-smal" as never })).rejects.toMatchObject({
      code: expect.stringMatching(/^E_BAD_OPTION$/),
      message: expect.stringContaining("sam2.1-small"),
    });
    await expect(UnSAM.load({ model: "hf:no" })).rejects.toMatchObject({ code: "E_BAD_OPTION" });
    await expect(UnSAM.load({ model: "sam2.1-small", offline: true })).rejects.toMatchObject({
      code: "E_OFFLINE",
    });
    expect(hub.seen).toEqual([]);
  });

  it("gives up with its signal", async () => {
    hub.interfere = () => true;
    const reason = new Error("enough");
    await expect(UnSAM.load({ model: NAME, signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const stop = new AbortController();
    setTimeout(() => stop.abort(reason), 200);
    await expect(UnSAM.load({ model: NAME, signal: stop.signal })).rejects.toBe(reason);
  });

  it("takes a path under checkpoint for a path, as ever", async () => {
    await expect(UnSAM.load({ model: { checkpoint: "sam2.1-small" } })).rejects.toMatchObject({
      code: "E_BAD_CHECKPOINT",
    });
    expect(hub.seen).toEqual([]);
  });
});

describe("pullModel and listModels", () => {
  it("say where a model is", async () => {
    const pulled = await pullModel(NAME);
    expect(pulled).toMatchObject({ repo: REPO, sha256: sha256(weights), downloaded: true });
    expect(weights.equals(readFileSync(pulled.path))).toBe(true);
    expect((await listModels()).map(({ name, path: here }) => [name, here])).toEqual(
      MODEL_NAMES.map((name) => [name, null]),
    );
    await expect(pullModel(NAME, { verfy: true } as never)).rejects.toMatchObject({ code: "E_BAD_OPTION" });
    await expect(pullModel(7 as never)).rejects.toMatchObject({ code: "E_BAD_OPTION" });
  });
});
