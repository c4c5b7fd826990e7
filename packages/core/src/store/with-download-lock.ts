import { stat } from "node:fs/promises";
import { lockFile } from "../files/index.js";
import type { PullContext } from "./pull-context.js";

const MOST_LOSSES = 3;

/**
 * Does what only one process at a time should do with a part; while another one does it, tells how far that is. `work` looks
 * first whether there is something left to do. Its signal is aborted where the caller gives up, or where the lock is lost.
 */
export async function withDownloadLock<T>(
  file: string,
  part: string,
  { signal, report }: PullContext,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const onWait = async () => {
    const found = await stat(part).catch(() => null);
    report.bytes("wait", found?.size ?? 0, null);
    return false;
  };
  for (let losses = 0; ; losses++) {
    const lock = await lockFile(file, { signal, onWait });
    if (!lock) continue;
    try {
      return await work(AbortSignal.any([signal, lock.lost]));
    } catch (problem) {
      if (!lock.lost.aborted || signal.aborted || losses >= MOST_LOSSES) throw problem;
    } finally {
      await lock.release();
    }
  }
}
