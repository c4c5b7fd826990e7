import { parseOptions } from "@unsam/core/options";
import type { LoadOptions, UnSAM } from "@unsam/sdk";
import { z } from "zod";

const MEGABYTE = 2 ** 20;

/** What one call, and all calls together, may ask for. */
export interface ServiceLimits {
  /** Bytes of one photo (default 32 MiB). */
  readonly photoBytes?: number | undefined;
  /** Bytes of photos that are being received or wait, of all clients together (default 128 MiB). */
  readonly uploadBytes?: number | undefined;
  /** Bytes of a JSON body (default 2 MiB). */
  readonly jsonBytes?: number | undefined;
  /** Pixels of a photo; larger ones are refused before they are decoded (default 50 million). */
  readonly pixels?: number | undefined;
  /** Prompts of one call (default 64). */
  readonly prompts?: number | undefined;
  /** Levels of a ladder (default 64). */
  readonly levels?: number | undefined;
  /** Bytes of masks that are being answered, of all clients together (default 256 MiB). */
  readonly maskBytes?: number | undefined;
  /** Photos that are encoded, and whole images at work, side by side (default 2). */
  readonly encodesAtOnce?: number | undefined;
  /** How many wait behind them (default 32). */
  readonly encodesWaiting?: number | undefined;
  /** Clicks and ladders that are answered side by side (default 32). */
  readonly clicksAtOnce?: number | undefined;
  /** How many wait behind them (default 1000). */
  readonly clicksWaiting?: number | undefined;
  /** What could not be answered within this time, by what was measured, is refused at once with 503, ms (default 30,000). */
  readonly answerWithinMs?: number | undefined;
  /** Work on one request is given up after it, ms (default 60,000). */
  readonly workMs?: number | undefined;
  /** The same for whole images, ms (default 300,000). */
  readonly everythingMs?: number | undefined;
}

export interface CacheOptions {
  /** What encoded images hold in memory, together (default 512 MiB). */
  readonly bytes?: number | undefined;
  /** An image that nobody has used for so long is forgotten, ms (default an hour). */
  readonly ttlMs?: number | undefined;
  /** A folder for images that do not fit into memory; left out, they are forgotten. */
  readonly spill?: string | undefined;
  /** What lies in that folder, at most (default 4 GiB). */
  readonly spillBytes?: number | undefined;
}

/** Photos by address. Off unless there are hosts. */
export interface UrlOptions {
  /** Hosts that photos may come from: "images.example.com", "*.example.com", "example.com:8443". */
  readonly hosts: readonly string[];
  /** A download is given up after it, ms (default 15,000). */
  readonly timeoutMs?: number | undefined;
}

/** A Label Studio for which the service is a model (docs/label-studio.md). */
export interface LabelStudioOptions {
  /** Where it lies: "http://127.0.0.1:8080". Photos are fetched from there, also in a private network. */
  readonly url: string;
  /** Legacy token or personal access token of a user who sees the projects; without one, only photos that need none. */
  readonly apiKey?: string | undefined;
  /** Regions of a photo on which nobody has clicked yet, largest first (default 64; 0: none). */
  readonly mostRegions?: number | undefined;
}

/** Requests of one client (token, else address) in a window of time. */
export interface RateOptions {
  readonly max: number;
  readonly windowMs: number;
}

export interface ServiceOptions {
  /** A loaded model; it stays yours to dispose. */
  readonly unsam?: UnSAM | undefined;
  /** Or how to load one; the service disposes it. Default: `UnSAM.load()`. */
  readonly load?: LoadOptions | undefined;
  readonly limits?: ServiceLimits | undefined;
  readonly cache?: CacheOptions | undefined;
  readonly urls?: UrlOptions | undefined;
  /** Adds the routes of a Label Studio ML backend below `/label-studio`. */
  readonly labelStudio?: LabelStudioOptions | undefined;
  /** Bearer tokens; one of them is then needed for everything but `/health`, `/ready` and the description. */
  readonly tokens?: readonly string[] | undefined;
  /** Default 1200 requests a minute; false: no limit. */
  readonly rate?: RateOptions | false | undefined;
  /** Origins whose pages may call the service; none by default. */
  readonly origins?: readonly string[] | undefined;
  /** Encodes a photo of one megapixel first, to know how long work takes here (default false; `serve` does). */
  readonly measure?: boolean | undefined;
}

const count = z.number().int().min(1);
const limits = z.strictObject({
  photoBytes: count.default(32 * MEGABYTE),
  uploadBytes: count.default(128 * MEGABYTE),
  jsonBytes: count.default(2 * MEGABYTE),
  pixels: count.default(50_000_000),
  prompts: count.max(1000).default(64),
  levels: count.max(256).default(64),
  maskBytes: count.default(256 * MEGABYTE),
  encodesAtOnce: count.default(2),
  encodesWaiting: z.number().int().min(0).default(32),
  clicksAtOnce: count.default(32),
  clicksWaiting: z.number().int().min(0).default(1000),
  answerWithinMs: count.default(30_000),
  workMs: count.default(60_000),
  everythingMs: count.default(300_000),
});
/** setInterval takes no longer time. */
const LONGEST_MS = 2 ** 31 - 1;
const cache = z.strictObject({
  bytes: count.default(512 * MEGABYTE),
  ttlMs: count.max(LONGEST_MS).default(3_600_000),
  spill: z.string().min(1).optional(),
  spillBytes: count.default(4096 * MEGABYTE),
});
const urls = z.strictObject({
  hosts: z.array(
    z.string().regex(/^(\*\.)?[a-z0-9.-]+(:\d+)?$/i, "a host is a name such as images.example.com"),
  ),
  timeoutMs: count.max(LONGEST_MS).default(15_000),
});
const labelStudio = z.strictObject({
  url: z
    .string()
    .regex(/^https?:\/\/[^/?#@\s]+(\/[^?#\s]*)?$/, "it is such as http://127.0.0.1:8080")
    .refine((url) => URL.canParse(url), "it is such as http://127.0.0.1:8080"),
  // A fault says nothing of the key.
  apiKey: z
    .string("an API key is a text")
    .regex(/^[\x21-\x7e]+$/, "an API key has no blanks and no lines")
    .optional(),
  mostRegions: z.number().int().min(0).max(1000).default(64),
});
const origin = z
  .string()
  .regex(/^https?:\/\/[^/]+$/, "an origin is such as https://example.com, without a path");

/** Of whatever copy of the SDK. */
const loadedModel = z.custom<UnSAM>(
  (value) => typeof (value as UnSAM)?.encode === "function" && "engine" in (value as UnSAM),
  "it is no loaded model",
);

export const serviceSchema = z.strictObject({
  unsam: loadedModel.optional(),
  load: z.custom<LoadOptions>((value) => typeof value === "object" && value !== null).default({}),
  limits: limits.prefault({}),
  cache: cache.prefault({}),
  urls: urls.optional(),
  labelStudio: labelStudio.optional(),
  tokens: z.array(z.string().min(16, "a token has at least 16 characters")).default([]),
  rate: z
    .union([z.literal(false), z.strictObject({ max: count, windowMs: count.max(LONGEST_MS) })])
    .default({ max: 1200, windowMs: 60_000 }),
  origins: z.array(origin).default([]),
  measure: z.boolean().default(false),
});

export type ParsedServiceOptions = z.output<typeof serviceSchema>;
export type ParsedLimits = ParsedServiceOptions["limits"];

/** Throws `E_BAD_OPTION`. */
export function parseServiceOptions(options: ServiceOptions, caller: string): ParsedServiceOptions {
  return parseOptions(serviceSchema, options, caller);
}
