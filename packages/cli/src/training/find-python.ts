import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { UnSAMError } from "@unsam/core/errors";

const run = promisify(execFile);

/** Tells the versions of what training needs, null for what is missing, without loading any of it. */
const PROBE = `
import importlib.util, json, sys
from importlib import metadata
def version(name, distribution):
    if importlib.util.find_spec(name) is None:
        return None
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "unknown"
print(json.dumps({
    "python": "%d.%d" % sys.version_info[:2],
    "torch": version("torch", "torch"),
    "numpy": version("numpy", "numpy"),
    "pillow": version("PIL", "pillow"),
}))
`;

export interface Python {
  readonly command: string;
  readonly python: string;
  readonly torch: string;
}

type Found = { [name in "python" | "torch" | "numpy" | "pillow"]: string | null };

const INSTALL =
  "Install them into it (python3 -m pip install torch numpy pillow, or apt install python3-torch python3-pil), " +
  "or name another with --python.";

/**
 * The Python to train with: the one named, else the first of the usual ones that has all that is needed.
 * Throws `E_UNSUPPORTED` telling what is missing and how to get it.
 */
export async function findPython(named: string | undefined): Promise<Python> {
  const usual = process.platform === "win32" ? ["python", "py"] : ["python3", "python", "/usr/bin/python3"];
  const commands = named ? [named] : process.env.UNSAM_PYTHON ? [process.env.UNSAM_PYTHON] : usual;
  const problems: string[] = [];
  for (const command of commands) {
    const found = await probe(command);
    if (found === null) continue;
    const problem = problemOf(found);
    if (problem === null) return { command, python: found.python!, torch: found.torch! };
    problems.push(`${command} (Python ${found.python}) ${problem}`);
  }
  if (problems.length === 0) {
    throw new UnSAMError(
      "E_UNSUPPORTED",
      `Training needs Python 3.9 or later; ${commands.join(", ")} could not be run. Install it with PyTorch, NumPy and ` +
        "Pillow (apt install python3-torch python3-pil), or name it with --python.",
    );
  }
  throw new UnSAMError(
    "E_UNSUPPORTED",
    `Training needs PyTorch 1.13 or later, NumPy and Pillow, but ${problems.join("; ")}. ${INSTALL}`,
  );
}

async function probe(command: string): Promise<Found | null> {
  try {
    const { stdout } = await run(command, ["-c", PROBE], { timeout: 60_000 });
    return JSON.parse(stdout);
  } catch {
    return null;
  }
}

function problemOf(found: Found): string | null {
  const missing = (["torch", "numpy", "pillow"] as const).filter((name) => found[name] === null);
  if (missing.length > 0) return `lacks ${missing.join(", ")}`;
  if (before(found.python!, [3, 9])) return "is older than 3.9";
  if (found.torch !== "unknown" && before(found.torch!, [1, 13])) return `has torch ${found.torch}`;
  return null;
}

function before(version: string, [major, minor]: readonly [number, number]): boolean {
  const [own, next] = version.split(".").map((part) => Number.parseInt(part, 10));
  return own < major || (own === major && next < minor);
}
