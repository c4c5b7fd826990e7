import { UnSAMError } from "@unsam/core/errors";
import { Queue } from "bullmq";
import { reasonOfFailure } from "../jobs/failures.js";
import type { PhotoJob } from "../jobs/photo-job.js";
import { redisAddress } from "../redis/address.js";
import { answered, RedisConnection } from "../redis/connection.js";
import { checkQueueName, DEFAULT_QUEUE, forgetSettings, PREFIX, readRun } from "../run/run-record.js";
import type { RunSettings } from "../run/run-settings.js";

export interface QueueOptions {
  readonly queue?: string | undefined;
  /** Address of Redis; default: UNSAM_REDIS, else redis://127.0.0.1:6379. */
  readonly redis?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How many photos are where. */
export interface RunCounts {
  readonly photos: number;
  readonly done: number;
  readonly atWork: number;
  readonly waiting: number;
  /** They failed, and wait to be tried again. */
  readonly again: number;
  readonly parked: number;
}

export interface RunStatus extends RunCounts {
  readonly queue: string;
  /** null: there is no run. */
  readonly run: RunSettings | null;
}

/** A photo that is not tried again, and why. */
export interface ParkedPhoto {
  readonly photo: string;
  /** Of its result, and of its job in the queue. */
  readonly id: string;
  readonly code: string | null;
  readonly reason: string;
  readonly attempts: number;
  /** When, as ISO 8601. */
  readonly at: string;
}

const PAGE = 100;

export async function countsOf(queue: Queue<PhotoJob>): Promise<RunCounts> {
  const counts = await queue.getJobCounts();
  const of = (...states: string[]) => states.reduce((sum, state) => sum + (counts[state] ?? 0), 0);
  const [done, parked, atWork, again] = [of("completed"), of("failed"), of("active"), of("delayed")];
  const waiting = of("waiting", "wait", "paused", "prioritized");
  return { photos: done + parked + atWork + again + waiting, done, atWork, waiting, again, parked };
}

/** Throws `E_IO`, `E_UNSUPPORTED`, or the signal's reason, as all here. */
export function runStatus(options: QueueOptions = {}): Promise<RunStatus> {
  return withQueue(options, async (queue, connection) => ({
    queue: queue.name,
    run: await readRun(connection, queue.name),
    ...(await countsOf(queue)),
  }));
}

/** Shows parked photos one by one; they are read a page at a time. */
export function eachParked(options: QueueOptions, show: (photo: ParkedPhoto) => void): Promise<number> {
  return withQueue(options, async (queue) => {
    for (let from = 0; ; from += PAGE) {
      options.signal?.throwIfAborted();
      const jobs = await queue.getFailed(from, from + PAGE - 1);
      for (const { data, id, failedReason, attemptsMade, finishedOn } of jobs) {
        const at = new Date(finishedOn ?? 0).toISOString();
        show({
          photo: data.photo,
          id: String(id),
          ...reasonOfFailure(failedReason),
          attempts: attemptsMade,
          at,
        });
      }
      if (jobs.length < PAGE) return from + jobs.length;
    }
  });
}

/** Has parked photos tried again, with all their tries; says how many. */
export function retryParked(options: QueueOptions = {}): Promise<number> {
  return withQueue(options, async (queue) => {
    let retried = 0;
    for (;;) {
      options.signal?.throwIfAborted();
      // Those before are no longer in the list.
      const jobs = await queue.getFailed(0, PAGE - 1);
      if (jobs.length === 0) return retried;
      for (const job of jobs) {
        await job.retry("failed", { resetAttemptsMade: true });
        retried++;
      }
    }
  });
}

/** Takes a run out of Redis; results stay. Throws `E_BAD_OPTION` where photos are at work, unless `force` says that nobody is. */
export function forgetRun(options: QueueOptions & { readonly force?: boolean } = {}): Promise<RunCounts> {
  return withQueue(options, async (queue, connection) => {
    const counts = await countsOf(queue);
    const { force = false } = options;
    if (counts.atWork > 0 && !force) {
      throw new UnSAMError(
        "E_BAD_OPTION",
        `${counts.atWork} photos of the queue ${queue.name} are at work; stop the workers, or say --force where none is left.`,
      );
    }
    await queue.obliterate({ count: 1000, force });
    await forgetSettings(connection, queue.name);
    return counts;
  });
}

async function withQueue<T>(
  options: QueueOptions,
  act: (queue: Queue<PhotoJob>, connection: RedisConnection) => Promise<T>,
): Promise<T> {
  const { queue: name = DEFAULT_QUEUE, signal = new AbortController().signal } = options;
  checkQueueName(name);
  await using connection = await RedisConnection.open(redisAddress(options.redis), { signal });
  const queue = new Queue<PhotoJob>(name, { connection: connection.client, prefix: PREFIX });
  queue.on("error", () => {});
  try {
    return await answered(act(queue, connection), signal);
  } finally {
    connection.close();
    await queue.close().catch(() => {});
  }
}
