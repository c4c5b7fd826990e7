import { createHash } from "node:crypto";
import { UnSAMError } from "@unsam/core/errors";
import { parseJson } from "@unsam/core/files";
import type { EverythingOptions } from "@unsam/sdk";
import { z } from "zod";
import { version } from "../version.js";

/** Which model a run was enqueued for, as a worker loads it. */
export interface RunModel {
  /** A built-in name, a name to fetch, or the path of a checkpoint. */
  readonly model: string;
  readonly config?: string | undefined;
  readonly weights?: string | undefined;
}

export type RunOptions = Omit<EverythingOptions, "signal" | "onProgress">;

/** What all photos of a run have in common. It lies in Redis, so that every worker does the same. */
export interface RunSettings {
  /** Of this package: another one may write other results. */
  readonly version: string;
  readonly model: RunModel;
  /** Of the loaded model. */
  readonly fingerprint: string;
  readonly options: RunOptions;
  /** Ends of the files that are written: "json", "coco.json" … */
  readonly formats: readonly string[];
  readonly simplify?: number | undefined;
  readonly maxPixels?: number | undefined;
  /** A folder, as every worker sees it, or s3://BUCKET/PREFIX. */
  readonly out: string;
}

/** Options are checked by the model that gets them, formats and places by those who write. */
const schema = z.object({
  version: z.string(),
  model: z.object({ model: z.string(), config: z.string().optional(), weights: z.string().optional() }),
  fingerprint: z.string(),
  options: z.record(z.string(), z.unknown()),
  formats: z.array(z.string()).min(1),
  simplify: z.number().optional(),
  maxPixels: z.number().optional(),
  out: z.string(),
});

/** As it lies in Redis; the same settings give the same text. */
export function settingsText(settings: RunSettings): string {
  return JSON.stringify(inOrder(settings));
}

/** Throws `E_BAD_FILE` for what this package did not write. */
export function settingsOf(text: string, queue: string): RunSettings {
  const parsed = schema.safeParse(parseJson(text, `What the queue ${queue} says of its run`, "E_BAD_FILE"));
  if (parsed.success) return parsed.data as RunSettings;
  throw new UnSAMError(
    "E_BAD_FILE",
    `What the queue ${queue} says of its run is not of this package; give another one (--run).`,
  );
}

/** Throws `E_UNSUPPORTED` where a worker of this version would write other results than the others. */
export function checkVersion(settings: RunSettings, queue: string): void {
  if (settings.version === version) return;
  throw new UnSAMError(
    "E_UNSUPPORTED",
    `The run in queue ${queue} is of @unsam/queue ${settings.version}, and this is ${version}; use the same version everywhere.`,
  );
}

/**
 * What a result depends on besides the photo, in 12 digits: version, model, options, formats. Neither where the model lies nor
 * where results go is part of it.
 */
export function settingsDigest(settings: RunSettings): string {
  const { version, fingerprint, options, formats, simplify } = settings;
  const text = JSON.stringify(inOrder({ version, fingerprint, options, formats, simplify }));
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

/** With the keys of every object in the order of the alphabet. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, one]) => [key, inOrder(one)]),
  );
}
