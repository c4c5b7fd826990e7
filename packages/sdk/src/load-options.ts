import type { NanoOptions, NetworkOptions, RegionTreeOptions } from "@unsam/core/engine";
import { defaultCacheDir } from "@unsam/core/engine";
import { UnSAMError } from "@unsam/core/errors";
import { readModelConfig } from "@unsam/core/models";
import { parseOptions } from "@unsam/core/options";
import { NANO_WEIGHTS } from "@unsam/model-nano";
import { z } from "zod";
import { Calibration, type CalibrationData } from "./calibration/index.js";

/** Models that need no file. */
export const BUILT_IN_MODELS = ["region-tree", "nano"] as const;
export type BuiltInModel = (typeof BUILT_IN_MODELS)[number];

/** A checkpoint to load (docs/checkpoints.md). */
export interface CheckpointModel {
  /** A `.pt` or `.safetensors` file, the index of one in shards (`model.safetensors.index.json`), or its folder. */
  readonly checkpoint: string;
  /** A JSON file or its content (keys of the official YAML). Official sizes are recognised and need none. */
  readonly config?: string | object | undefined;
  /** Which weights to take where the checkpoint holds those of several models: the key they lie under, as "ema". */
  readonly weights?: string | undefined;
}

export interface LoadOptions {
  /** A built-in name, or a checkpoint (default: the best built-in one). */
  readonly model?: BuiltInModel | CheckpointModel | undefined;
  /**
   * Where the encoder runs (default `"auto"`: the processor; CUDA, which takes ONNX Runtime, only where it is asked for). What
   * was chosen and why is in `unsam.model`. Built-in models run on the processor and refuse `"cuda"`.
   */
  readonly device?: "auto" | "cpu" | "cuda" | undefined;
  /**
   * What encodes images (default `"auto"`: our own kernels in the addon where it is there and knows the model, else ONNX
   * Runtime, which then has to be installed). Built-in models have none and refuse all but `"auto"`.
   */
  readonly encoder?: "auto" | "onnx" | "native" | undefined;
  /**
   * Which mask decoder answers (default `"auto"`: the fastest on the processor). `"cuda"` or `"cuda:1"`: the native one on
   * that device, where the addon was built with CUDA; never chosen by itself. Built-in models have none and refuse all
   * but `"auto"`.
   */
  readonly decoder?: "auto" | "onnx" | "native" | "cuda" | `cuda:${number}` | undefined;
  /**
   * Of the native decoder's image-side products, and of the native encoder's products (default `"float32"`). `"bfloat16"` is
   * faster on processors that have it (AVX512_BF16, better AMX) and changes masks by less than 1 % (docs/performance.md);
   * refused where another decoder answers.
   */
  readonly precision?: "float32" | "bfloat16" | undefined;
  /**
   * Pixels of photos that are decoded and not yet encoded, in the whole process (default 200 million, what two photos of
   * the largest size need); other photos wait undecoded, a larger one goes alone. Each takes 3 bytes, and about 25 while
   * its region tree is grown.
   */
  readonly maxPixelsInFlight?: number | undefined;
  /**
   * Threads for one operator of the encoder, and of the addon, and photos whose region trees grow side by side; default:
   * one per core. A limit on resources: every model takes it, and no answer depends on it.
   */
  readonly threads?: number | undefined;
  /**
   * A map of the dial that `calibrate` fitted: a file, a `Calibration`, or its parsed JSON. Everything that takes or
   * reports a granularity then means the calibrated dial.
   */
  readonly calibration?: string | Calibration | CalibrationData | undefined;
  /**
   * Where built encoders, and the verdict on the addon, are kept; default `UNSAM_CACHE`, or the user's cache folder. Every
   * model takes it, also one that keeps nothing.
   */
  readonly cacheDir?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export type ParsedLoadOptions =
  | { readonly kind: "region-tree"; readonly regionTree: RegionTreeOptions }
  | { readonly kind: "nano"; readonly nano: NanoOptions }
  | { readonly kind: "network"; readonly network: NetworkOptions };

function isDevice(value: unknown): boolean {
  return typeof value === "string" && /^cuda:\d{1,3}$/.test(value);
}

const DEFAULT_MODEL = "region-tree";

const checkpointSchema = z.strictObject({
  checkpoint: z.string().min(1),
  config: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
  weights: z.string().min(1).optional(),
});

const modelNames = BUILT_IN_MODELS.map((name) => `"${name}"`).join(", ");

const schema = z.strictObject({
  model: z
    .union([z.enum(BUILT_IN_MODELS), checkpointSchema], {
      error: `give ${modelNames} or { checkpoint: "file.pt", config?, weights? }`,
    })
    .optional(),
  device: z.enum(["auto", "cpu", "cuda"]).default("auto"),
  encoder: z.enum(["auto", "onnx", "native"]).default("auto"),
  decoder: z
    .union([z.enum(["auto", "onnx", "native", "cuda"]), z.custom<`cuda:${number}`>(isDevice)])
    .default("auto"),
  precision: z.enum(["float32", "bfloat16"]).default("float32"),
  threads: z.number().int().min(1).max(1024).optional(),
  maxPixelsInFlight: z
    .custom<number>(
      (value) => typeof value === "number" && value >= 1,
      "must be a number from 1, or Infinity",
    )
    .optional(),
  cacheDir: z.string().min(1).optional(),
  calibration: z.union([z.string().min(1), z.looseObject({})]).optional(),
  signal: z.instanceof(AbortSignal).optional(),
});

/** Checks the options of `UnSAM.load`. Throws `E_BAD_OPTION`, `E_BAD_CONFIG`, `E_UNSUPPORTED`. */
export async function parseLoadOptions(options: LoadOptions): Promise<ParsedLoadOptions> {
  const parsed = parseOptions(schema, options, "UnSAM.load");
  const { model = DEFAULT_MODEL, device, encoder, decoder, precision, threads, cacheDir, signal } = parsed;
  const common = { threads, cacheDir: cacheDir ?? defaultCacheDir() };
  if (typeof model === "string") {
    checkBuiltIn(model, parsed);
    return model === "nano"
      ? { kind: "nano", nano: { weights: NANO_WEIGHTS, threads, signal } }
      : { kind: "region-tree", regionTree: common };
  }
  if (precision === "bfloat16" && decoder === "onnx") {
    throw new UnSAMError(
      "E_BAD_OPTION",
      'UnSAM.load: precision "bfloat16" is one of the native decoder, and decoder is "onnx"; leave one of them out.',
    );
  }
  if (device === "cuda" && encoder === "native") {
    throw new UnSAMError(
      "E_BAD_OPTION",
      'UnSAM.load: the native encoder runs on the processor, and device is "cuda"; leave one of encoder and device out.',
    );
  }
  return {
    kind: "network",
    network: {
      checkpoint: model.checkpoint,
      config: await readModelConfig(model.config, { signal }),
      weights: model.weights,
      device,
      encoder,
      ...decoderAndDevice(decoder),
      precision,
      ...common,
      signal,
    },
  };
}

/** What is not said of a built-in model: it has no part that could do it. Throws `E_UNSUPPORTED`. */
function checkBuiltIn(
  model: BuiltInModel,
  { device, encoder, decoder, precision }: z.output<typeof schema>,
): void {
  const cannot = [
    device === "cuda" && 'device: "cuda"',
    encoder !== "auto" && `encoder: "${encoder}"`,
    decoder !== "auto" && `decoder: "${decoder}"`,
    precision !== "float32" && `precision: "${precision}"`,
  ].filter((one) => one !== false);
  if (cannot.length === 0) return;
  const which = cannot.length === 1 ? "it" : "them";
  throw new UnSAMError(
    "E_UNSUPPORTED",
    `The model "${model}" runs on the processor and has no mask decoder, so it cannot do ${cannot.join(", ")}; leave ${which} out.`,
  );
}

/** `"cuda"` and `"cuda:1"` are the native decoder on a device. */
function decoderAndDevice(
  decoder: NonNullable<LoadOptions["decoder"]>,
): Pick<NetworkOptions, "decoder" | "cudaDevice"> {
  if (decoder === "auto" || decoder === "onnx" || decoder === "native") return { decoder, cudaDevice: null };
  return { decoder: "native", cudaDevice: Number(decoder.slice("cuda:".length) || 0) };
}

/** The calibration of `UnSAM.load`, wherever it is. Throws `E_BAD_FILE`, or the signal's reason. */
export async function loadCalibration({
  calibration: given,
  signal,
}: Pick<LoadOptions, "calibration" | "signal">): Promise<Calibration | null> {
  if (given === undefined) return null;
  if (given instanceof Calibration) return given;
  return typeof given === "string" ? Calibration.read(given, { signal }) : Calibration.from(given);
}
