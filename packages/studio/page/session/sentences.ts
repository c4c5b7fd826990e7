import { autoIndex, type Ladder } from "../state/ladder.ts";

/** "12.3 %" */
export function share(
  area: number,
  { width, height }: { readonly width: number; readonly height: number },
): string {
  const percent = (100 * area) / (width * height);
  return `${percent >= 10 ? Math.round(percent) : percent.toFixed(percent >= 1 ? 1 : 2)} %`;
}

/** "scale 2 of 5, auto" */
export function describeScale(ladder: Ladder, index: number): string {
  if (!ladder.hasGranularity) return "the model knows one scale";
  const isAuto = index === autoIndex(ladder) ? ", the most stable one" : "";
  return `scale ${index + 1} of ${ladder.scales.length} from fine to coarse${isAuto}`;
}

/** "18 ms", "1.3 s" */
export function time(milliseconds: number): string {
  if (milliseconds < 1000) return `${Math.max(1, Math.round(milliseconds))} ms`;
  return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 1 : 0)} s`;
}

/** "184 MB" */
export function amount(bytes: number): string {
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/** How far a download is: "62 MB of 156 MB, about 12 s left". `since`: `performance.now()` at its first bytes. */
export function downloaded(bytes: number, total: number, first: { bytes: number; since: number }): string {
  const part = `${amount(bytes)} of ${amount(total)}`;
  const milliseconds = performance.now() - first.since;
  const come = bytes - first.bytes;
  if (come === 0 || milliseconds < 1000) return part;
  const left = Math.ceil(((total - bytes) / come) * (milliseconds / 1000));
  return `${part}, about ${left < 90 ? `${left} s` : `${Math.round(left / 60)} minutes`} left`;
}
