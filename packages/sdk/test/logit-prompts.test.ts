import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { openCheckpoint, type TensorToWrite, writeSafetensors } from "@unsam/core/checkpoint";
import { loadNative } from "@unsam/native-cuda";
import { type EncodedImage, type Segment, UnSAM } from "@unsam/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { photo, smallNetwork } from "./scene/scenes.js";

const native = await loadNative({ cacheDir: null });
const decoders = native.binding ? (["onnx", "native"] as const) : (["onnx"] as const);

let folder: string;
let checkpoint: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-logits-"));
  checkpoint = path.join(folder, "loud.safetensors");
  await writeLoudNetwork(checkpoint);
});
afterAll(() => rm(folder, { recursive: true }));

/** The small network with the head of its masks eight times as loud, so that logits leave ±32 as those of real models do. */
async function writeLoudNetwork(file: string): Promise<void> {
  await using source = await openCheckpoint(smallNetwork.checkpoint);
  const tensors: TensorToWrite[] = [];
  for (const name of source.tensors.keys()) {
    const { data, shape } = await source.read(name);
    const loud = name.startsWith("sam_mask_decoder.gra_output_token_mlp.layers.2.") ? 8 : 1;
    tensors.push({ name, shape, dtype: "float32", data: data.map((value) => loud * value) });
  }
  await writeSafetensors(file, tensors);
}

/** Logits of a shape that is not taken: the error names it. */
async function refuses(image: EncodedImage, shape: readonly number[]): Promise<void> {
  const mask = { data: new Float32Array(shape[0] * shape[1]).fill(1), shape };
  await expect(image.segment({ mask })).rejects.toMatchObject({
    code: "E_BAD_PROMPT",
    message: expect.stringContaining(`[${shape.join(", ")}]`),
  });
}

/** Everything an answer says. */
const said = ({ mask, score, objectScore, stability, logits }: Segment) => ({
  words: mask.words,
  score,
  objectScore,
  stability,
  logits: logits.data,
});

describe.each(decoders)("logits as a mask prompt, %s decoder", (decoder) => {
  let unsam: UnSAM;
  let image: EncodedImage;
  beforeAll(async () => {
    unsam = await UnSAM.load({ model: { ...smallNetwork, checkpoint }, decoder });
    image = await unsam.encode(photo);
  });
  afterAll(() => unsam.dispose());

  it("count within ±32, as the official predictor feeds them back, wherever they come from", async () => {
    const points = [[300, 120]] as const;
    const first = await image.segment({ points });
    const { data, shape } = first.logits;
    expect(Math.max(...data.map(Math.abs))).toBeGreaterThan(40);

    const official = data.map((value) => Math.min(32, Math.max(-32, value)));
    const wanted = said(await image.segment({ points, mask: { data: official, shape } }));
    const sources = {
      segment: first,
      logits: first.logits,
      copy: { data: data.slice(), shape },
      "as a file holds them": { data: data.slice(), shape: [1, 1, ...shape] },
    };
    for (const [name, mask] of Object.entries(sources)) {
      expect(said(await image.segment({ points, mask })), name).toEqual(wanted);
    }
    // The clamp is not idle here: logits with the same signs that it leaves alone have another answer.
    const halved = { data: data.map((value) => value / 2), shape };
    expect(said(await image.segment({ points, mask: halved })).logits).not.toEqual(wanted.logits);
    // What was given stays as it was.
    expect(Math.max(...first.logits.data.map(Math.abs))).toBeGreaterThan(40);
    const ladder = await image.ladder({ points, mask: first }, { levels: [0.2, 1] });
    expect(said(ladder.at(1))).toEqual(wanted);
  });

  it("of another shape are refused", async () => {
    for (const shape of [
      [1, 64 * 64],
      [32, 128],
      [128, 128],
      [4, 4],
    ]) {
      await refuses(image, shape);
    }
  });
});

describe("logits as a mask prompt, region tree", () => {
  it("have the shape of its own answers or of the image, and are refused in any other", async () => {
    await using unsam = await UnSAM.load({ model: "region-tree" });
    const image = await unsam.encode(photo);
    const first = await image.segment({ points: [[300, 120]], granularity: 0.5 });
    const { height, width } = image;
    const whole = Float32Array.from(first.mask.toBytes(), (value) => 100 * value - 50);
    for (const mask of [first.logits, { data: whole, shape: [height, width] }]) {
      expect((await image.segment({ mask })).mask.iou(first.mask)).toBeGreaterThan(0.8);
    }
    for (const shape of [
      [2, 3],
      [4, 4],
      [width, height],
      [1, 65_536],
      [64, 64],
    ]) {
      await refuses(image, shape);
    }
  });
});
