import {
  type CheckpointModel,
  isModelFamily,
  type ModelFamily,
  type OpenModelOptions,
} from "@unsam/core/families";
import { BUILT_IN_MODELS, type BuiltInModel, DEFAULT_MODEL, MODEL_NAMES } from "@unsam/core/names";
import { parseOptions } from "@unsam/core/options";
import type { PullProgress } from "@unsam/core/store";
import { z } from "zod";
import { Calibration, type CalibrationData } from "./calibration/index.js";
import type { ModelName } from "./model-store.js";

export interface LoadOptions {
  /**
   * A built-in name (default: `"nano"`, or `"region-tree"` where that cannot run), a name to fetch (docs/models.md: downloaded from huggingface.co or the given
   * address where it is not here), a checkpoint, or the name of a model of your own `families`.
   */
  readonly model?: BuiltInModel | ModelName | CheckpointModel | (string & {}) | undefined;
  /** Open no connection: a name to fetch is found here, or refused (default: what `UNSAM_OFFLINE` and `HF_HUB_OFFLINE` say). */
  readonly offline?: boolean | undefined;
  /** Is told how far the download of a name is, and before it, under which licence it comes. Other models tell nothing. */
  readonly onProgress?: ((progress: PullProgress) => void) | undefined;
  /**
   * Families of models of your own (docs/extending/add-a-model.md). They are asked before those of the package, in their
   * order.
   */
  readonly families?: readonly ModelFamily[] | undefined;
  /**
   * Where the encoder runs (default `"auto"`: the processor; CUDA, which takes ONNX Runtime, only where it is asked for). What
   * was chosen and why is in `unsam.model`. Built-in models run on the processor and refuse `"cuda"`.
   */
  readonly device?: "auto" | "cpu" | "cuda" | undefined;
  /**
   * What encodes images, or computes the network of nano (default `"auto"`: our own kernels in the addon where it is there and
   * knows the model, else ONNX Runtime, which then has to be installed). The region tree has none and refuses all but `"auto"`.
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
   * refused where another decoder answers. `"auto"`: bfloat16 where the processor has it; `unsam.model` tells which it is.
   */
  readonly precision?: "auto" | "float32" | "bfloat16" | undefined;
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
   * A map of granularity that `calibrate` fitted: a file, a `Calibration`, or its parsed JSON. Everything that takes or
   * reports a granularity then means the calibrated one.
   */
  readonly calibration?: string | Calibration | CalibrationData | undefined;
  /**
   * Where built encoders, and the verdict on the addon, are kept; default `UNSAM_CACHE`, or the user's cache folder. Every
   * model takes it, also one that keeps nothing.
   */
  readonly cacheDir?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What to open, and how. */
export interface ParsedLoadOptions {
  readonly model: string | CheckpointModel;
  readonly options: OpenModelOptions;
}

function isDevice(value: unknown): boolean {
  return typeof value === "string" && /^cuda:\d{1,3}$/.test(value);
}

const checkpointSchema = z.strictObject({
  checkpoint: z.string().min(1),
  config: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
  weights: z.string().min(1).optional(),
});

const modelNames = [...BUILT_IN_MODELS, ...MODEL_NAMES].map((name) => `"${name}"`).join(", ");

const schema = z.strictObject({
  model: z
    .union([z.string().min(1), checkpointSchema], {
      error: `give ${modelNames}, "hf:owner/repository/file", "https://…" or { checkpoint: "file.pt", config?, weights? }`,
    })
    .optional(),
  families: z
    .array(
      z.custom<ModelFamily>(isModelFamily, "must be model families: { name, capabilities, recognise, open }"),
    )
    .optional(),
  offline: z.boolean().optional(),
  onProgress: z.custom<LoadOptions["onProgress"]>((value) => typeof value === "function").optional(),
  device: z.enum(["auto", "cpu", "cuda"]).optional(),
  encoder: z.enum(["auto", "onnx", "native"]).optional(),
  decoder: z
    .union([z.enum(["auto", "onnx", "native", "cuda"]), z.custom<`cuda:${number}`>(isDevice)])
    .optional(),
  precision: z.enum(["auto", "float32", "bfloat16"]).optional(),
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

/** Checks the options of `UnSAM.load`, as far as no model is needed for it. Throws `E_BAD_OPTION`. */
export function parseLoadOptions(given: LoadOptions): ParsedLoadOptions {
  const parsed = parseOptions(schema, given, "UnSAM.load");
  const { model = DEFAULT_MODEL, calibration: _, maxPixelsInFlight: __, ...options } = parsed;
  return { model, options };
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
