import { setTimeout as after } from "node:timers/promises";
import { UnSAMError } from "@unsam/core/errors";
import type { UnSAM } from "@unsam/sdk";
import { type Job, Queue, WaitingError, Worker } from "bullmq";
import { failureOf, reasonOfFailure } from "../jobs/failures.js";
import { MOST_DEATHS, type PhotoJob } from "../jobs/photo-job.js";
import { redisAddress } from "../redis/address.js";
import { answered, RedisConnection } from "../redis/connection.js";
import { openResultPlace } from "../results/open-result-place.js";
import { resultFormats } from "../results/result-formats.js";
import { checkQueueName, DEFAULT_QUEUE, PREFIX, readRun } from "../run/run-record.js";
import { checkVersion, type RunModel, type RunSettings } from "../run/run-settings.js";
import { countsOf } from "../status/run-status.js";
import { doPhoto, type Workshop } from "./do-photo.js";

/** A worker that says nothing for so long is dead, and its photo goes to another. */
const DEFAULT_LOCK_MS = 30_000;
/** What a worker that is told to stop has for the photos in its hands; then it gives them back. */
const DEFAULT_GRACE_MS = 20_000;
const LOOK_MS = 500;

export interface WorkOptions {
  /** Loads the model of the run. It is disposed at the end. */
  readonly load: (model: RunModel, signal: AbortSignal) => Promise<UnSAM>;
  readonly queue?: string | undefined;
  /** Address of Redis; default: UNSAM_REDIS, else redis://127.0.0.1:6379. */
  readonly redis?: string | undefined;
  /** Photos side by side (default 1: the model takes all cores anyway). */
  readonly atOnce?: number | undefined;
  /** Ends when nothing waits and nobody is at work; else it waits for more. */
  readonly untilDone?: boolean | undefined;
  readonly lockMs?: number | undefined;
  readonly graceMs?: number | undefined;
  /** Told to stop, it ends or gives back what it has, and resolves. */
  readonly signal?: AbortSignal | undefined;
  /** `made`: false where the result was there already. */
  readonly onDone?: ((photo: string, made: boolean) => void) | undefined;
  readonly onFailure?: ((failure: WorkFailure) => void) | undefined;
  readonly onConnection?: ((sentence: string) => void) | undefined;
}

export interface WorkFailure {
  readonly photo: string;
  readonly code: string | null;
  readonly reason: string;
  /** It is not tried again. */
  readonly isParked: boolean;
}

/** What one worker did. */
export interface Worked {
  readonly done: number;
  /** Of these, results that were there already. */
  readonly there: number;
  readonly parked: number;
}

/**
 * Works on a run until it is told to stop, or done. Any number of workers do so at once, and each may be killed at any time:
 * its photo goes to another, and a result that is there is not made again. Throws `E_IO`, `E_BAD_OPTION`, `E_UNSUPPORTED`.
 */
export async function work(options: WorkOptions): Promise<Worked> {
  const { queue = DEFAULT_QUEUE, signal = new AbortController().signal } = options;
  checkQueueName(queue);
  const address = redisAddress(options.redis);
  await using connection = await RedisConnection.open(address, {
    signal,
    onConnection: options.onConnection,
  });
  const settings = await answered(readRun(connection, queue), signal);
  if (settings === null) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `There is no run in the queue ${queue} of ${address.shown}; begin one with unsam enqueue.`,
    );
  }
  checkVersion(settings, queue);
  const place = await openResultPlace(settings.out);
  await place.prepare(signal);
  await using unsam = await options.load(settings.model, signal);
  checkModel(unsam, settings, queue);
  const formats = resultFormats(settings.formats, settings.simplify);
  const shift = new Shift(connection, queue, { unsam, settings, formats, place }, options);
  await shift.run(signal);
  return shift.worked;
}

function checkModel(unsam: UnSAM, { fingerprint, model }: RunSettings, queue: string): void {
  if (unsam.engine.info.fingerprint === fingerprint && unsam.calibration === null) return;
  throw new UnSAMError(
    "E_BAD_OPTION",
    `The model of this worker (${unsam.model.name}) is not that of the run in queue ${queue} (${model.model}); give the same file as --model.`,
  );
}

/** One worker from its beginning to its end. */
class Shift {
  readonly #connection: RedisConnection;
  readonly #name: string;
  readonly #workshop: Workshop;
  readonly #options: WorkOptions;
  /** Photos in hand are given back. */
  readonly #giveBack = new AbortController();
  worked = { done: 0, there: 0, parked: 0 };

  constructor(connection: RedisConnection, name: string, workshop: Workshop, options: WorkOptions) {
    this.#connection = connection;
    this.#name = name;
    this.#workshop = workshop;
    this.#options = options;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { atOnce = 1, lockMs = DEFAULT_LOCK_MS } = this.#options;
    const worker = new Worker<PhotoJob, boolean>(this.#name, (job, token) => this.#do(job, token), {
      connection: this.#connection.client,
      prefix: PREFIX,
      concurrency: atOnce,
      lockDuration: lockMs,
      stalledInterval: lockMs,
      maxStalledCount: MOST_DEATHS,
      runRetryDelay: 1000,
      // Seconds that a worker listens for a job before it looks around: told to stop, it waits no longer.
      drainDelay: 1,
    });
    // The connection says what there is to say.
    worker.on("error", () => {});
    worker.on("completed", ({ data }, made) => {
      this.worked.done++;
      if (!made) this.worked.there++;
      this.#options.onDone?.(data.photo, made);
    });
    worker.on("failed", (job, error) => job && this.#failed(job, error));
    try {
      await this.#untilEnd(signal);
    } finally {
      await this.#stop(worker);
    }
  }

  async #untilEnd(signal: AbortSignal): Promise<void> {
    const queue = new Queue<PhotoJob>(this.#name, { connection: this.#connection.client, prefix: PREFIX });
    queue.on("error", () => {});
    let isBack = false;
    this.#connection.whenBack(() => {
      isBack = true;
    });
    try {
      while (!signal.aborted) {
        if (isBack) {
          isBack = false;
          if ((await answered(readRun(this.#connection, this.#name), signal)) === null) throw this.#lost();
        }
        if (this.#options.untilDone) {
          const { done, parked, photos } = await answered(countsOf(queue), signal);
          if (done + parked === photos) return;
        }
        await after(LOOK_MS, undefined, { signal });
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      await queue.close().catch(() => {});
    }
  }

  #lost(): UnSAMError {
    return new UnSAMError(
      "E_IO",
      `Redis came back without the run in queue ${this.#name}, so it keeps nothing on disk; set appendonly yes, and enqueue again: ` +
        "what is done is not done again.",
    );
  }

  /** Ends what is at work, or gives it back; what Redis cannot be told any more it finds out by itself. */
  async #stop(worker: Worker): Promise<void> {
    const { graceMs = DEFAULT_GRACE_MS } = this.#options;
    const over = new AbortController();
    const patience = after(graceMs, undefined, { signal: over.signal }).then(() => {
      this.#giveBack.abort(new Error("The worker was told to stop."));
      return after(5000, undefined, { signal: over.signal });
    });
    await Promise.race([worker.close(), patience.catch(() => {})]);
    over.abort();
    this.#giveBack.abort();
    this.#connection.close();
  }

  async #do(job: Job<PhotoJob>, token: string | undefined): Promise<boolean> {
    const { signal } = this.#giveBack;
    try {
      return await doPhoto(job.data, String(job.id), this.#workshop, signal);
    } catch (error) {
      if (!signal.aborted) throw failureOf(error);
      await job.moveToWait(token);
      throw new WaitingError();
    }
  }

  #failed(job: Job<PhotoJob>, error: Error): void {
    const isParked = job.finishedOn !== undefined;
    if (isParked) this.worked.parked++;
    this.#options.onFailure?.({ photo: job.data.photo, ...reasonOfFailure(error.message), isParked });
  }
}
