import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, it } from "vitest";

const repository = fileURLToPath(new URL("../../../", import.meta.url));

/** The folder beside the project with reference data (parity cases, data sets), or null where there is none. */
export const sharedRoot: string | null = findShared();

function findShared(): string | null {
  const named = process.env.UNSAM_SHARED;
  const folder = named ? path.resolve(named) : path.resolve(repository, "..", "shared");
  if (existsSync(path.join(folder, "parity"))) return folder;
  if (named) throw new Error(`UNSAM_SHARED is ${named}, but there is no folder parity/ in it.`);
  if (process.env.CI)
    throw new Error(`CI needs the shared folder; expected it at ${folder} (or in UNSAM_SHARED).`);
  return null;
}

/** Path of a file in the shared folder. Throws where the folder is missing: call it inside `describeWithShared`. */
export function shared(...parts: string[]): string {
  if (!sharedRoot) throw new Error("The shared folder is missing; set UNSAM_SHARED to it.");
  return path.join(sharedRoot, ...parts);
}

/** Path of a file of this repository. */
export function inRepository(...parts: string[]): string {
  return path.join(repository, ...parts);
}

/**
 * A suite that needs the shared folder. Where a clone stands alone it is skipped, and its title says so; the body is
 * not even collected then, for it may read the folder.
 */
export function describeWithShared(title: string, body: () => void): void {
  if (sharedRoot) describe(title, body);
  else describe.skip(title, () => it("is skipped: there is no shared folder beside this clone", () => {}));
}
