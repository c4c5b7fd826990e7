import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { type Interference, sha256 } from "@unsam/test-support";
import { expect } from "vitest";
import { hubSetting, someBytes } from "./hub-setting.js";

export const REPO = "some-body/some.model";
export const NAME = `hf:${REPO}/model.pt`;
export const bytes = someBytes(200_000);
export const PART = `${sha256(bytes)}.unsam-part`;

/**
 * A hub with one model, how a test file disturbs its download, and what it must leave behind. Each test file calls it: test files
 * share modules, and what this one did when it is imported would be done for the first of them only.
 */
export function oneModel() {
  const setting = hubSetting();
  const blobs = () => path.join(setting.cache, "models--some-body--some.model", "blobs");
  const kept = () => (existsSync(blobs()) ? readdirSync(blobs()) : []);

  const answering =
    (host: string) =>
    (answer: Interference, times = Number.POSITIVE_INFINITY) => {
      setting.hub.add(REPO, "model.pt", bytes);
      let count = 0;
      setting.hub.interfere = (request, response) =>
        request.host === host && count++ < times ? answer(request, response) : false;
    };

  /** Nothing lies under a final name, no lock is left, and the error is one sentence with this code. */
  async function fails(message: RegExp, code = "E_DOWNLOAD"): Promise<void> {
    await expect(setting.pull(NAME)).rejects.toMatchObject({
      name: "UnSAMError",
      code,
      message: expect.stringMatching(message),
    });
    expect(kept().filter((name) => name !== PART)).toEqual([]);
    expect(existsSync(path.join(setting.cache, "models--some-body--some.model", "snapshots"))).toBe(false);
    const locks = path.join(setting.cache, ".locks", "models--some-body--some.model");
    expect(existsSync(locks) ? readdirSync(locks) : []).toEqual([]);
  }

  async function succeeds(): Promise<void> {
    const pulled = await setting.pull(NAME);
    expect(pulled).toMatchObject({ downloaded: true, sha256: sha256(bytes), bytes: bytes.length });
    expect(readFileSync(pulled.path).equals(bytes)).toBe(true);
    expect(kept()).toEqual([sha256(bytes)]);
  }

  return {
    setting,
    blobs,
    fails,
    succeeds,
    /** Answers requests for bytes in a way of its own, the first `times` of them. */
    atDownload: answering("store"),
    /** Answers whatever the hub itself is asked in a way of its own. */
    atHub: answering("hub"),
  };
}
