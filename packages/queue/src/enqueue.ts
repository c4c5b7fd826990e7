import { UnSAMError } from "@unsam/core/errors";
import type { UnSAM } from "@unsam/sdk";
import { Queue } from "bullmq";
import { findPhotos, type PhotoNames } from "./inputs/find-photos.js";
import { locationOf, textOf } from "./inputs/location.js";
import { digestOfPhoto } from "./inputs/read-photo.js";
import {
  DEFAULT_ATTEMPTS,
  DEFAULT_BACKOFF_MS,
  JOB_NAME,
  jobOptions,
  type PhotoJob,
  resultId,
} from "./jobs/photo-job.js";
import { redisAddress } from "./redis/address.js";
import { answered, RedisConnection } from "./redis/connection.js";
import { openResultPlace } from "./results/open-result-place.js";
import { resultFormats } from "./results/result-formats.js";
import { agreeOnRun, checkQueueName, DEFAULT_QUEUE, PREFIX } from "./run/run-record.js";
import { type RunModel, type RunOptions, type RunSettings, settingsDigest } from "./run/run-settings.js";
import { version } from "./version.js";

/** Photos whose bytes are looked at side by side, and that go to Redis together. */
const READ_AT_ONCE = 4;
const BATCH = 256;

export interface EnqueueOptions extends PhotoNames {
  /** The loaded model: its fingerprint is part of every result's name. */
  readonly unsam: UnSAM;
  /** How workers load it. */
  readonly model: RunModel;
  readonly options?: RunOptions | undefined;
  /** "json" (default), "coco.json" … */
  readonly formats?: readonly string[] | undefined;
  readonly simplify?: number | undefined;
  readonly maxPixels?: number | undefined;
  /** A folder, as every worker sees it, or s3://BUCKET/PREFIX. */
  readonly out: string;
  readonly queue?: string | undefined;
  /** Address of Redis; default: UNSAM_REDIS, else redis://127.0.0.1:6379. */
  readonly redis?: string | undefined;
  /** Tries of one photo (default 5), and time before the second (default 2 s), which doubles with each. */
  readonly attempts?: number | undefined;
  readonly backoffMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Each photo, as it was found, and the name of its result. */
  readonly onPhoto?: ((photo: string, id: string) => void | Promise<void>) | undefined;
  /** A photo that could not be read; the others go on. */
  readonly onFailure?: ((photo: string, error: UnSAMError) => void) | undefined;
  readonly onConnection?: ((sentence: string) => void) | undefined;
}

export interface Enqueued {
  readonly photos: number;
  readonly added: number;
  /** They, or other photos of the same bytes, were in the queue already. */
  readonly known: number;
  /** They could not be read. */
  readonly failed: number;
}

/**
 * Puts photos into a queue, each once. They are taken one by one as they are found, and no more than the queue takes: of a
 * million names a few hundred are held. To be called again after whatever stopped it. Throws `E_IO`, `E_BAD_OPTION`,
 * `E_UNSUPPORTED`, or the signal's reason.
 */
export async function enqueue(options: EnqueueOptions): Promise<Enqueued> {
  const { queue: name = DEFAULT_QUEUE, signal = new AbortController().signal } = options;
  checkQueueName(name);
  const settings = settingsFrom(options);
  await (await openResultPlace(settings.out)).prepare(signal);
  await using connection = await RedisConnection.open(redisAddress(options.redis), {
    signal,
    onConnection: options.onConnection,
  });
  await answered(agreeOnRun(connection, name, settings), signal);
  const queue = new Queue<PhotoJob>(name, { connection: connection.client, prefix: PREFIX });
  queue.on("error", () => {});
  const adding = new Adding(queue, connection, settingsDigest(settings), options, signal);
  try {
    for await (const photo of findPhotos(options, signal)) {
      signal.throwIfAborted();
      await adding.take(photo);
    }
    await adding.finish();
    return adding.counts;
  } finally {
    connection.close();
    await queue.close().catch(() => {});
  }
}

function settingsFrom(options: EnqueueOptions): RunSettings {
  const { unsam, model, options: everything = {}, formats = ["json"], simplify, maxPixels, out } = options;
  unsam.checkEverything(everything);
  if (unsam.calibration !== null) {
    throw new UnSAMError(
      "E_UNSUPPORTED",
      "A queue takes no calibrated model; give granularities of the model itself.",
    );
  }
  return {
    version,
    model,
    fingerprint: unsam.engine.info.fingerprint,
    options: everything,
    formats: resultFormats(formats, simplify).map((format) => format.name),
    simplify,
    maxPixels,
    out: textOf(locationOf(out)),
  };
}

/** Photos on their way into the queue. */
class Adding {
  readonly #queue: Queue<PhotoJob>;
  readonly #connection: RedisConnection;
  readonly #digest: string;
  readonly #options: EnqueueOptions;
  readonly #signal: AbortSignal;
  #batch: string[] = [];
  counts = { photos: 0, added: 0, known: 0, failed: 0 };

  constructor(
    queue: Queue<PhotoJob>,
    connection: RedisConnection,
    digest: string,
    options: EnqueueOptions,
    signal: AbortSignal,
  ) {
    this.#queue = queue;
    this.#connection = connection;
    this.#digest = digest;
    this.#options = options;
    this.#signal = signal;
  }

  async take(photo: string): Promise<void> {
    this.#batch.push(photo);
    if (this.#batch.length === BATCH) await this.finish();
  }

  /** Sends what was taken. */
  async finish(): Promise<void> {
    const photos = this.#batch;
    this.#batch = [];
    if (photos.length === 0) return;
    const { attempts = DEFAULT_ATTEMPTS, backoffMs = DEFAULT_BACKOFF_MS, onPhoto } = this.#options;
    const jobs = await this.#jobsOf(photos);
    const byId = new Map(jobs.map((job) => [resultId(job.sha256, this.#digest), job]));
    const ids = [...byId.keys()];
    const there = await answered(this.#areThere(ids), this.#signal);
    const fresh = [...byId].filter((_, i) => !there[i]);
    await answered(
      this.#queue.addBulk(
        fresh.map(([id, data]) => ({ name: JOB_NAME, data, opts: jobOptions(id, attempts, backoffMs) })),
      ),
      this.#signal,
    );
    this.counts.photos += photos.length;
    this.counts.added += fresh.length;
    this.counts.known += jobs.length - fresh.length;
    for (const { photo, sha256 } of jobs) await onPhoto?.(photo, resultId(sha256, this.#digest));
  }

  /** In the order of the photos, without those that cannot be read. */
  async #jobsOf(photos: readonly string[]): Promise<PhotoJob[]> {
    const jobs: (PhotoJob | null)[] = [];
    let next = 0;
    const read = async () => {
      for (let i = next++; i < photos.length; i = next++) jobs[i] = await this.#jobOf(photos[i]);
    };
    await Promise.all(Array.from({ length: READ_AT_ONCE }, read));
    return jobs.filter((job) => job !== null);
  }

  async #jobOf(photo: string): Promise<PhotoJob | null> {
    try {
      return { photo, sha256: await digestOfPhoto(photo, this.#signal) };
    } catch (error) {
      this.#signal.throwIfAborted();
      if (!UnSAMError.isInstance(error) || error.code === "E_UNSUPPORTED") throw error;
      this.counts.failed++;
      this.#options.onFailure?.(photo, error);
      return null;
    }
  }

  async #areThere(ids: readonly string[]): Promise<boolean[]> {
    const asked = this.#connection.client.pipeline();
    for (const id of ids) asked.exists(this.#queue.toKey(id));
    const answers = (await asked.exec()) ?? [];
    return ids.map((_, i) => answers[i]?.[1] === 1);
  }
}
