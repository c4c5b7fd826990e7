// The mask decoders that the benches compare, and a model for them: a checkpoint of one's own, or random weights of an official
// size.
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { openCheckpoint } from "@unsam/core/checkpoint";
import { openNativeDecoder } from "@unsam/core/decoder";
import { resolveModel } from "@unsam/core/models";
import { openSession } from "@unsam/core/runtime";
import { loadNative } from "@unsam/native-cuda";
// Not among the package's exports, because loading it loads ONNX Runtime.
import { OnnxDecoderKernel } from "../../core/dist/decoder/onnx-decoder-kernel.js";
import { PlainDecoder } from "./plain-decoder.mjs";
import { randomCheckpoint } from "./random-checkpoint.mjs";

/** `model` and `config` are files, `size` an official one. */
export async function benchModel({ model, config, size }) {
  const file =
    model ?? (await randomCheckpoint(path.join(tmpdir(), "unsam-bench"), size, { granularity: true }));
  const checkpoint = await openCheckpoint(file);
  return resolveModel(checkpoint, config ? JSON.parse(await readFile(config, "utf8")) : undefined);
}

/** Features of an image nobody encoded: as fast or slow as real ones. */
export function randomFeatures(config) {
  const side = config.imageSize / 16;
  const map = (channels, scale) => {
    const data = new Float32Array(channels * (scale * side) ** 2);
    for (let i = 0; i < data.length; i++) data[i] = Math.sin(i * 12.9898 + channels) * 1.5;
    return { data, shape: [channels, scale * side, scale * side] };
  };
  return { image_embed: map(256, 1), high_res_0: map(32, 4), high_res_1: map(64, 2) };
}

/** Opens them on one image; `plain`: the plain export among them, first. */
export async function contenders(model, features, { threads, plain = false }) {
  const open = (bytes) => openSession(bytes, { threads, providers: ["cpu"] });
  const list = [];
  if (plain) {
    const decoder = await PlainDecoder.open(model.config, model.weights, features, open);
    list.push({ title: "ONNX, plain export", decode: (prompts) => decoder.decode(prompts) });
  }
  const kernel = await OnnxDecoderKernel.open(model, open);
  const prepared = await kernel.prepare(features);
  list.push({
    title: "ONNX, prepared",
    decode: (prompts) => kernel.decode(prepared, prompts, { multimask: false }),
  });
  const { binding, reason } = await loadNative({ cacheDir: null });
  if (!binding) {
    console.log(`No native decoder: ${reason}`);
    return list;
  }
  const weights = await model.decoderWeights();
  for (const precision of ["float32", "bfloat16"]) {
    const decoder = await openNativeDecoder(binding, weights, model.features, { threads, precision }).catch(
      (error) => {
        console.log(error.message);
      },
    );
    if (!decoder) continue;
    const started = performance.now();
    const image = await decoder.prepare(features);
    console.log(
      `native ${precision}: preparing an image ${(performance.now() - started).toFixed(0)} ms, once`,
    );
    const decode = (prompts) => decoder.decode(image, prompts, { multimask: false });
    list.push({ title: `native ${precision}`, decode });
  }
  return list;
}
