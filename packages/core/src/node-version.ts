/**
 * The versions of Node that UnSAM supports, as in the `engines` of every package. Older ones cannot read sharp and ora
 * (import attributes: 20.10), or greet each program with a warning about them (until 20.19 and 22.12), and the test-suite
 * does not run there.
 */
export const SUPPORTED_NODE = "^20.19.0 || >=22.12.0";

/** Why a version of Node cannot be used, in one sentence; null: it can. */
export function nodeProblem(version: string): string | null {
  const [major, minor] = version.split(".").map(Number);
  if (major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19)) return null;
  return `UnSAM needs Node 20.19, 22.12 or newer; this is ${version}.`;
}
