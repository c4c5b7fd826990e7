import os from "node:os";
import { CPU_BY_DEFAULT, defaultCacheDir, loadAddon } from "@unsam/core/engine";
import { canBeMade, problemOfPrivateFolder, readFileText, reasonOf } from "@unsam/core/files";
import { BUILT_IN_MODELS, DEFAULT_MODEL } from "@unsam/core/names";
import { nodeProblem } from "@unsam/core/node-version";
import { runtimeReport } from "@unsam/core/runtime";
import { ffmpegVersion } from "@unsam/core/video-files";
import sharp from "sharp";
import { STAND_IN } from "./default-model.js";
import { UnSAM } from "./unsam.js";

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** Whether nothing works without it. Else a check that is not ok is a warning: something is slower or missing. */
  readonly needed: boolean;
  readonly found: string;
  /** What to do about it, or how to get more. */
  readonly advice: string | null;
}

export interface Diagnosis {
  /** Whether everything that is needed works; the model that is used by default has segmented something. */
  readonly ok: boolean;
  readonly checks: readonly Check[];
}

const OFFICIAL_WEIGHTS =
  "Official weights give better masks: UnSAMv2 by the name unsamv2, SAM 2.1 by sam2.1-small and others (`unsam models`); " +
  "--model NAME or load({ model }) fetches them from huggingface.co, --model FILE or load({ model: { checkpoint } }) takes a file.";

/**
 * Looks at the machine: Node, processor, ONNX Runtime and its providers, the native addon, models, the cache; and has the
 * model that is used by default segment a small picture.
 */
export async function diagnose(): Promise<Diagnosis> {
  const addon = await nativeAddon();
  const runtime = await onnxRuntime(addon.ok);
  const checks = [
    node(),
    await processor(),
    runtime,
    image(),
    addon,
    device(),
    await ffmpeg(),
    models(addon.ok ? "native" : runtime.ok ? "onnx" : null),
    await cache(),
    await trial(),
  ];
  return { ok: checks.every(({ ok, needed }) => ok || !needed), checks };
}

function node(): Check {
  const problem = nodeProblem(process.versions.node);
  return {
    name: "node",
    ok: problem === null,
    needed: true,
    found: `${process.version} on ${process.platform} ${process.arch}`,
    advice: problem,
  };
}

async function processor(): Promise<Check> {
  const cpus = os.cpus();
  const flags = await cpuFlags();
  const known = ["avx2", "fma", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16", "asimd", "bf16", "i8mm"];
  const features = known.filter((flag) => flags.has(flag));
  const memory = `${(os.totalmem() / 2 ** 30).toFixed(0)} GiB`;
  return {
    name: "processor",
    ok: true,
    needed: true,
    found: `${cpus.length} × ${cpus[0]?.model.trim() ?? "unknown"}, ${memory}; ${features.join(" ") || "features unknown"}`,
    advice: null,
  };
}

/** Feature flags as Linux names them; elsewhere there is no way to ask without a native module. */
async function cpuFlags(): Promise<Set<string>> {
  const text = await readFileText("/proc/cpuinfo", { what: "The list of processors" }).catch(() => "");
  return new Set(/^(?:flags|Features)\s*:\s*(.*)$/m.exec(text)?.[1].split(" ") ?? []);
}

/** As Node says it, and Yarn. */
const NOT_INSTALLED = /Cannot find package .onnxruntime-node|tried to access onnxruntime-node/;

/** `native`: there is an addon. Nothing is wrong where that does the work, and there is no ONNX Runtime. */
async function onnxRuntime(native: boolean): Promise<Check> {
  try {
    const { version, providers } = await runtimeReport();
    return {
      name: "ONNX Runtime",
      ok: true,
      needed: false,
      found: `${version}; providers: ${providers.join(", ")}`,
      advice: null,
    };
  } catch (cause) {
    const check = { name: "ONNX Runtime", needed: false };
    if (native && NOT_INSTALLED.test((cause as Error).message)) {
      const found = "none, and none is needed: the native addon runs the model nano and checkpoints";
      return {
        ...check,
        ok: true,
        found,
        advice: "EfficientTAM alone runs on it: npm i onnxruntime-node --ignore-scripts",
      };
    }
    const advice = `EfficientTAM runs on it and, where there is no native addon, the model "nano" and checkpoints. ${(cause as Error).message}`;
    // The region tree stands in.
    return { ...check, ok: false, found: "none", advice };
  }
}

function image(): Check {
  return {
    name: "sharp",
    ok: true,
    needed: true,
    found: `${sharp.versions.sharp} (libvips ${sharp.versions.vips})`,
    advice: null,
  };
}

async function nativeAddon(): Promise<Check> {
  const native = await loadAddon(defaultCacheDir());
  const name = "native addon";
  if (!native.binding) {
    return {
      name,
      ok: false,
      needed: false,
      found:
        "none: encoder and decoder auto and the memory of videos are ONNX Runtime, region trees are grown by TypeScript",
      advice: native.reason,
    };
  }
  const { binding, origin, path, rejected } = native;
  const { devices, reason } = binding.cuda();
  const cuda = reason === null ? `CUDA: ${devices.join(", ")}` : `no CUDA: ${reason}`;
  return {
    name,
    ok: true,
    needed: false,
    found: `encoder and decoder auto are native: images are encoded, masks decoded, region trees grown and frames of videos remembered with ${binding.instructionSet()} instructions (${origin}, ${path}); ${cuda}`,
    advice: rejected.join(" ") || null,
  };
}

/** What `device: "auto"` means here. */
function device(): Check {
  return {
    name: "device",
    ok: true,
    needed: true,
    found: `auto is the processor: ${CPU_BY_DEFAULT}`,
    advice: null,
  };
}

/** Reads and writes video files. Nothing is wrong where there is none. */
async function ffmpeg(): Promise<Check> {
  const check = { name: "ffmpeg", ok: true, needed: false, advice: null };
  try {
    const found = await ffmpegVersion();
    if (found !== null) return { ...check, found };
    const advice =
      "Folders of frames, GIF and WebP need none. Video files do: install ffmpeg, or name it in UNSAM_FFMPEG.";
    return { ...check, found: "none: video files cannot be read or written", advice };
  } catch (cause) {
    return { ...check, found: "none that can be used", advice: reasonOf(cause) };
  }
}

/** `encoder`: what computes the network of the default model; null: nothing here can. */
function models(encoder: "native" | "onnx" | null): Check {
  const how =
    encoder === null
      ? `here ${STAND_IN} stands in for it: there is neither the native addon nor ONNX Runtime`
      : `its encoder auto is ${encoder === "native" ? "native" : "ONNX Runtime"}`;
  return {
    name: "models",
    ok: true,
    needed: true,
    found: `built in: ${BUILT_IN_MODELS.join(", ")}; default: ${DEFAULT_MODEL} (${how})`,
    advice: OFFICIAL_WEIGHTS,
  };
}

async function cache(): Promise<Check> {
  const folder = defaultCacheDir();
  const unsafe = await problemOfPrivateFolder(folder);
  const problem = unsafe ?? ((await canBeMade(folder)) ? null : "cannot be written");
  return {
    name: "cache",
    ok: problem === null,
    needed: false,
    found: problem === null ? folder : `${folder} ${unsafe === null ? "" : "is not used: it "}${problem}`,
    advice:
      problem === null
        ? null
        : "Set UNSAM_CACHE to a folder that only you can write; without one each load builds the encoder in a temporary folder.",
  };
}

/** A bright square on a dark ground, and a click on it. */
async function trial(): Promise<Check> {
  const check = { name: "trial", needed: true };
  const side = 64;
  const data = Uint8Array.from({ length: 3 * side * side }, (_, i) => {
    const pixel = Math.floor(i / 3);
    const [x, y] = [pixel % side, Math.floor(pixel / side)];
    return x >= 16 && x < 48 && y >= 16 && y < 48 ? 220 : 30;
  });
  try {
    await using unsam = await UnSAM.load();
    await using image = await unsam.encode({ data, width: side, height: side, channels: 3 });
    const { mask } = await image.segment({ points: [[side / 2, side / 2]] });
    const found = `${unsam.model.name} found ${mask.area} pixels under a click on a square of ${32 * 32}`;
    return { ...check, ok: true, found, advice: null };
  } catch (cause) {
    return { ...check, ok: false, found: "segmenting a small picture failed", advice: reasonOf(cause) };
  }
}
