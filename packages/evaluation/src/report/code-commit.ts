import { execFile } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const PACKAGE = fileURLToPath(new URL("../..", import.meta.url));

/** The git commit of the code that runs. */
export interface CodeCommit {
  readonly commit: string;
  /** Files that git knows differ from it. */
  readonly modified: boolean;
}

/** null where the code is not run from a checkout of this repository, or git is not there: then the version says it all. */
export async function codeCommit(): Promise<CodeCommit | null> {
  try {
    const top = path.resolve(await git("rev-parse", "--show-toplevel"));
    // Installed in somebody's project, the commit would be that project's.
    if (path.resolve(PACKAGE) !== path.join(top, "packages", "evaluation")) return null;
    const commit = await git("rev-parse", "HEAD");
    const modified = (await git("status", "--porcelain", "--untracked-files=no")) !== "";
    return { commit, modified };
  } catch {
    return null;
  }
}

/** ", commit …" behind a version; nothing where it is not known. */
export function commitText(code: CodeCommit | null): string {
  return code ? `, commit ${code.commit}${code.modified ? " with changes" : ""}` : "";
}

async function git(...args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)("git", ["-C", PACKAGE, ...args], { timeout: 10_000 });
  return stdout.trim();
}
