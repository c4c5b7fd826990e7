import { randomUUID } from "node:crypto";
import { link, rename, rm, stat, utimes } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { UnSAMError } from "../errors.js";
import { readFileText, shown } from "./read.js";
import { createWhole, isAlive, MACHINE } from "./write.js";

const POLL_MS = 200;
/** How often a holder shows that it lives. */
const BEAT_MS = 2000;
/** A lock whose holder has shown nothing for so long is nobody's. */
const STALE_MS = 30_000;
const MOST_BYTES = 1024;

export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called again and again while somebody else holds the lock; true ends the waiting without the lock. */
  readonly onWait?: (() => boolean | Promise<boolean>) | undefined;
  /** For tests. */
  readonly staleMs?: number | undefined;
}

export interface FileLock {
  /** Aborted where the lock was lost: this process did not run for long, and another took it for dead. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}

/**
 * Takes a lock that lies in a file, for processes and threads that share a folder, also from several machines. The lock of
 * a process that has died is taken over. It saves work; whoever needs more than that checks the outcome.
 * null: `onWait` ended the waiting. Throws `E_IO`, or the signal's reason.
 */
export async function lockFile(file: string, options: LockOptions = {}): Promise<FileLock | null> {
  const { signal, onWait, staleMs = STALE_MS } = options;
  const token = randomUUID();
  const mine = JSON.stringify({ machine: MACHINE, pid: process.pid, token });
  let seen = "";
  let seenSince = performance.now();
  for (;;) {
    signal?.throwIfAborted();
    if (await createWhole(file, mine, { lasts: false })) return hold(file, mine);
    const { content, state } = await look(file);
    // Clocks of machines differ, so only changes are believed, and one's own clock.
    if (state !== seen) [seen, seenSince] = [state, performance.now()];
    if (content !== null && (isDead(content) || performance.now() - seenSince > staleMs)) {
      await takeAway(file, content);
      continue;
    }
    if (await onWait?.()) return null;
    await sleep(POLL_MS, undefined, { signal }).catch(() => signal?.throwIfAborted());
  }
}

/** What is in a lock (null: it is gone), and what changes with every beat. */
async function look(file: string): Promise<{ content: string | null; state: string }> {
  const found = await stat(file).catch(() => null);
  if (!found) return { content: null, state: "" };
  const content = await readFileText(file, { what: "The lock", maxBytes: MOST_BYTES }).catch((problem) => {
    if (
      UnSAMError.isInstance(problem) &&
      /not a regular file|is a folder|bytes or more/.test(problem.message)
    ) {
      throw new UnSAMError("E_IO", `${shown(file)} is in the way of a lock; remove it.`, { cause: problem });
    }
    return null;
  });
  return { content, state: `${found.mtimeMs} ${content}` };
}

function isDead(content: string): boolean {
  try {
    const { machine, pid } = JSON.parse(content) as { machine?: unknown; pid?: unknown };
    return machine === MACHINE && typeof pid === "number" && !isAlive(pid);
  } catch {
    return false;
  }
}

/** Removes a stale lock, unless somebody has put a new one there in the meantime. */
async function takeAway(file: string, stale: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch {
    return; // Another one was faster.
  }
  const { content } = await look(aside);
  if (content !== null && content !== stale) await link(aside, file).catch(() => {});
  await rm(aside, { force: true });
}

function hold(file: string, mine: string): FileLock {
  const lost = new AbortController();
  const isMine = async () => (await look(file)).content === mine;
  const beat = async () => {
    if (!(await isMine())) lost.abort(new Error("The lock was lost."));
    else await utimes(file, new Date(), new Date());
  };
  const timer = setInterval(() => void beat().catch(() => {}), BEAT_MS);
  timer.unref();
  return {
    lost: lost.signal,
    async release() {
      clearInterval(timer);
      if (await isMine().catch(() => false)) await rm(file, { force: true }).catch(() => {});
    },
  };
}
