import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { LocalHub } from "@unsam/test-support";
import { afterEach, beforeEach, vi } from "vitest";
import { type PulledModel, type PullOptions, type PullProgress, pullModel } from "#core/store/index.js";

/** A hub of its own, an empty cache and a clean environment for each test. */
export interface Setting {
  hub: LocalHub;
  /** Of Hugging Face. */
  cache: string;
  /** Our own. */
  own: string;
  folder: string;
  /** What `onProgress` was told. */
  told: PullProgress[];
  pull: (name: string, options?: Partial<PullOptions>) => Promise<PulledModel>;
}

const HOST_VARIABLES = ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"];
const HUB_VARIABLES = [
  "HF_TOKEN",
  "HUGGING_FACE_HUB_TOKEN",
  "HF_TOKEN_PATH",
  "HUGGINGFACE_HUB_CACHE",
  "HF_HUB_OFFLINE",
];
const OTHERS = [
  "UNSAM_OFFLINE",
  "TRANSFORMERS_OFFLINE",
  "HF_HUB_DISABLE_IMPLICIT_TOKEN",
  "HF_HUB_DOWNLOAD_TIMEOUT",
];

export function hubSetting(): Setting {
  const setting = {} as Setting;
  beforeEach(async () => {
    setting.folder = mkdtempSync(path.join(tmpdir(), "unsam-store-"));
    setting.cache = path.join(setting.folder, "home", "hub");
    setting.own = path.join(setting.folder, "own");
    setting.told = [];
    setting.hub = await LocalHub.start();
    for (const name of [...HOST_VARIABLES, ...HUB_VARIABLES, ...OTHERS]) vi.stubEnv(name, undefined);
    vi.stubEnv("HF_HOME", path.join(setting.folder, "home"));
    vi.stubEnv("HF_HUB_CACHE", setting.cache);
    vi.stubEnv("HF_ENDPOINT", setting.hub.endpoint);
    setting.pull = (name, options = {}) =>
      pullModel(name, {
        cacheDir: setting.own,
        retryMs: 1,
        onProgress: (progress) => setting.told.push(progress),
        ...options,
      });
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await setting.hub.stop();
    rmSync(setting.folder, { recursive: true, force: true });
  });
  return setting;
}

/** Bytes that no server makes up by chance; a small zip header, so that they begin as a checkpoint does. */
export function someBytes(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes[i] = state >>> 24;
  }
  bytes.set([0x50, 0x4b, 3, 4].slice(0, length));
  return bytes;
}
