import { UnSAMError } from "@unsam/core/errors";
import type { RedisConnection } from "../redis/connection.js";
import { type RunSettings, settingsOf, settingsText } from "./run-settings.js";

/** Begins the keys of all queues in Redis. */
export const PREFIX = "unsam";
export const DEFAULT_QUEUE = "everything";

/** Throws `E_BAD_OPTION` for a name that Redis' keys do not take. */
export function checkQueueName(queue: string): void {
  if (/^[A-Za-z0-9._-]{1,64}$/.test(queue)) return;
  throw new UnSAMError(
    "E_BAD_OPTION",
    `The queue's name ${JSON.stringify(queue.slice(0, 80))} must be 1 to 64 letters, digits, dots, dashes or underscores.`,
  );
}

function keyOf(queue: string): string {
  return `${PREFIX}:${queue}:run`;
}

/** Settings of the run in a queue; null: there is none. Throws `E_BAD_FILE`. */
export async function readRun({ client }: RedisConnection, queue: string): Promise<RunSettings | null> {
  const text = await client.get(keyOf(queue));
  return text === null ? null : settingsOf(text, queue);
}

/** Begins a run, or joins the one that is there. Throws `E_BAD_OPTION` where that has other settings. */
export async function agreeOnRun(
  { client }: RedisConnection,
  queue: string,
  settings: RunSettings,
): Promise<void> {
  const wanted = settingsText(settings);
  await client.setnx(keyOf(queue), wanted);
  const found = await client.get(keyOf(queue));
  if (found === wanted) return;
  throw new UnSAMError(
    "E_BAD_OPTION",
    `The queue ${queue} holds a run with another model, other options or another --out; ` +
      `give another one (--run), or end that one with unsam queue forget --run ${queue}.`,
  );
}

export async function forgetSettings({ client }: RedisConnection, queue: string): Promise<void> {
  await client.del(keyOf(queue));
}
