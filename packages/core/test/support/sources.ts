import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { inRepository } from "@unsam/test-support";

export interface Source {
  /** As "core/src/files/read.ts". */
  readonly file: string;
  readonly text: string;
}

/** The TypeScript of all packages, for tests of how the house is kept. */
export function sources(): Source[] {
  const packages = inRepository("packages");
  return readdirSync(packages).flatMap((name) => {
    const folder = path.join(packages, name, "src");
    const files = (() => {
      try {
        return readdirSync(folder, { recursive: true, encoding: "utf8" });
      } catch {
        return [];
      }
    })();
    return files
      .filter((file) => file.endsWith(".ts"))
      .map((file) => ({
        file: [name, "src", ...file.split(path.sep)].join("/"),
        text: readFileSync(path.join(folder, file), "utf8"),
      }));
  });
}
