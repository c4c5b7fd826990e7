import type { JobsOptions } from "bullmq";

/** One photo to be done. */
export interface PhotoJob {
  /** Path or s3:// address, as the worker reads it. */
  readonly photo: string;
  /** Of its bytes when it was enqueued. */
  readonly sha256: string;
}

/** All jobs of a queue do the same. */
export const JOB_NAME = "everything";

/** Tries of one photo after failures that may pass: a disk, a network, memory. */
export const DEFAULT_ATTEMPTS = 5;
export const DEFAULT_BACKOFF_MS = 2000;
/** A photo is parked when so many workers have died at it. One death proves nothing: workers die of other things, too. */
export const MOST_DEATHS = 8;

/**
 * The name of a photo's result, and of its job: SHA-256 of the photo and digest of the settings. The same photo under the same
 * settings is one job, however often it is enqueued and under how many names.
 */
export function resultId(sha256: string, digest: string): string {
  return `${sha256}-${digest}`;
}

export function jobOptions(id: string, attempts: number, backoffMs: number): JobsOptions {
  return {
    jobId: id,
    attempts,
    backoff: { type: "exponential", delay: backoffMs, jitter: 0.5 },
    // What is done stays known, so that it is not done again when it is enqueued again.
    removeOnComplete: false,
    removeOnFail: false,
    stackTraceLimit: 0,
  };
}
