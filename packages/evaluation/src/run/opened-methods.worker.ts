import type { Method, MethodInfo, Settings } from "../methods/method.js";
import { type MethodSpec, openMethod } from "../methods/open-method.js";

const opened = new Map<string, Promise<Method>>();

/** The method of this thread, opened the first time it is asked for. Throws what `openMethod` throws. */
export function methodOf(spec: MethodSpec, levels: readonly number[], settings: Settings): Promise<Method> {
  const key = JSON.stringify([spec, levels, settings]);
  const known = opened.get(key);
  if (known) return known;
  const opening = openMethod(spec, levels, settings);
  opened.set(key, opening);
  return opening;
}

/** Opens a method once a thread. Throws what `openMethod` throws. */
export async function describeMethod(
  spec: MethodSpec,
  levels: readonly number[],
  settings: Settings,
): Promise<MethodInfo> {
  return (await methodOf(spec, levels, settings)).info;
}

/** Gives back what the thread's methods hold. */
export async function release(): Promise<void> {
  const all = [...opened.values()];
  opened.clear();
  for (const method of all) await (await method.catch(() => null))?.dispose();
}
