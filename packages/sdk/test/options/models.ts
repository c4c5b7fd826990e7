import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { openCheckpoint, type TensorToWrite, writeSafetensors } from "@unsam/core/checkpoint";
import { type EncodedImage, type LoadOptions, Mask, UnSAM } from "@unsam/sdk";
import { inRepository } from "@unsam/test-support";
import { afterAll, beforeAll } from "vitest";

// Every public option on every kind of model: it makes a difference, or it is refused with what to leave out. Limits on
// resources are taken by all and change no answer.

export type Model = "region-tree" | "nano" | "unsamv2" | "sam2";
/** What an option does: it changes the answer, changes none (a limit, or what holds anyway), or is refused with a code. */
export type Effect = "differs" | "same" | "E_BAD_OPTION" | "E_UNSUPPORTED" | "E_BAD_PROMPT";
export type Option = Record<string, unknown>;
/** A model that a row says nothing about is not tried. */
export type Row = [option: Option, effects: Effect | Partial<Record<Model, Effect>>];

export const MODELS: readonly Model[] = ["region-tree", "nano", "unsamv2", "sam2"];
export const fixture = inRepository("packages", "core", "fixtures", "unsamv2-mini");
const config = path.join(fixture, "config.json");
export const board = inRepository("docs", "images", "fruit-board.jpg");

interface Loaded {
  readonly unsam: UnSAM;
  readonly image: EncodedImage;
  /** A ring around a hole. */
  readonly ring: EncodedImage;
}

export interface Models {
  folder: string;
  readonly loaded: ReadonlyMap<Model, Loaded>;
  /** Options of `UnSAM.load` for each model. */
  readonly sources: ReadonlyMap<Model, LoadOptions["model"]>;
}

/** Noise: an untrained network answers it with holes and islands. */
function noise(side: number) {
  return picture(side, (i) => [0, 1, 2].map((c) => (((3 * i + c) * 2654435761) >>> 13) % 256));
}

/** A red ring of 120 pixels around a green square of 20. */
function ring(side: number) {
  return picture(side, (i) => {
    const away = Math.max(Math.abs((i % side) - side / 2), Math.abs(Math.floor(i / side) - side / 2));
    return away < 10 ? [20, 200, 40] : away < 60 ? [200, 30, 30] : [235, 235, 240];
  });
}

function picture(side: number, colour: (pixel: number) => readonly number[]) {
  const data = new Uint8Array(3 * side * side);
  for (let i = 0; i < side * side; i++) data.set(colour(i), 3 * i);
  return { data, width: side, height: side, channels: 3 as const };
}

export const isTree = (model: Model) => model === "region-tree" || model === "nano";

/** Loads models before the tests of a file, and ends them after. */
export function useModels(wanted: readonly Model[] = MODELS): Models {
  const loaded = new Map<Model, Loaded>();
  const sources = new Map<Model, LoadOptions["model"]>();
  const models: Models = { folder: "", loaded, sources };
  beforeAll(async () => {
    models.folder = await mkdtemp(path.join(tmpdir(), "unsam-options-"));
    const plain = path.join(models.folder, "sam2.safetensors");
    await writeWithoutGranularity(plain);
    sources.set("region-tree", "region-tree");
    sources.set("nano", "nano");
    sources.set("unsamv2", { checkpoint: path.join(fixture, "checkpoint.safetensors"), config });
    sources.set("sam2", { checkpoint: plain, config });
    for (const model of wanted) {
      const unsam = await UnSAM.load({ model: sources.get(model) });
      const image = await unsam.encode(isTree(model) ? board : noise(96));
      loaded.set(model, { unsam, image, ring: await unsam.encode(ring(200)) });
    }
  }, 120_000);
  afterAll(async () => {
    for (const { unsam } of loaded.values()) await unsam.dispose();
    await rm(models.folder, { recursive: true });
  });
  return models;
}

/** The mini UnSAMv2 as SAM 2: the same tensors but those of the granularity. */
async function writeWithoutGranularity(file: string): Promise<void> {
  await using checkpoint = await openCheckpoint(path.join(fixture, "checkpoint.safetensors"));
  const tensors: TensorToWrite[] = [];
  for (const name of checkpoint.tensors.keys()) {
    if (/gra_token|granularity_embedding|fourier_embedder/.test(name)) continue;
    tensors.push({ name, dtype: "float32", ...(await checkpoint.read(name)) });
  }
  await writeSafetensors(file, tensors);
}

export function digest(...parts: readonly unknown[]): string {
  const hash = createHash("sha256");
  for (const part of parts) {
    hash.update(part instanceof Mask ? part.words : (JSON.stringify(part) ?? ""));
  }
  return hash.digest("hex");
}

export const trees = (effect: Effect, networks: Effect): Partial<Record<Model, Effect>> => ({
  "region-tree": effect,
  nano: effect,
  unsamv2: networks,
  sam2: networks,
});
export const byGranularity = (effect: Effect, without: Effect): Partial<Record<Model, Effect>> => ({
  "region-tree": effect,
  nano: effect,
  unsamv2: effect,
  sam2: without,
});

export const CLICK = { points: [[40, 40] as const] };
