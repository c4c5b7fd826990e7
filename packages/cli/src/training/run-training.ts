import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { UnSAMError } from "@unsam/core/errors";
import type { Python } from "./find-python.js";

/** What the Python package tells at the end of a run (training/unsam_training/trainer/loop.py). */
export interface TrainingSummary {
  readonly recipe: string;
  readonly out: string;
  readonly step: number;
  readonly steps: number;
  readonly first_loss: number | null;
  readonly last_loss: number | null;
  /** On inputs that do not change, where the recipe has such. */
  readonly evaluation?: {
    readonly first: Readonly<Record<string, number>>;
    readonly last: Readonly<Record<string, number>>;
  };
  readonly weights?: string;
  readonly config?: string;
  readonly changed?: readonly string[];
  readonly added?: readonly string[];
  readonly unchanged?: number;
}

export interface TrainingOutcome {
  /** As the contract of the command line has it; 130 after an interrupt. */
  readonly code: number;
  readonly summary: TrainingSummary | null;
}

/** `training/` of the repository where this is worked on; the copy in `dist/python` where it is installed. */
export function trainingFolder(): string {
  const folders = ["../../../../training/", "../python/"].map((relative) =>
    fileURLToPath(new URL(relative, import.meta.url)),
  );
  const found = folders.find((folder) => existsSync(path.join(folder, "unsam_training", "__main__.py")));
  if (found) return found;
  throw new UnSAMError(
    "E_UNSUPPORTED",
    `The Python package unsam_training is missing (looked in ${folders.join(", ")}); install @unsam/cli anew.`,
  );
}

/**
 * Runs the trainer with its progress on our standard error. SIGINT (by `signal`) and SIGTERM are passed on, upon which it
 * writes a checkpoint and ends; we wait for that. Throws `E_RUNTIME` where it could not be started.
 */
export function runTraining(
  python: Python,
  args: readonly string[],
  signal: AbortSignal,
): Promise<TrainingOutcome> {
  signal.throwIfAborted();
  const modules = [trainingFolder(), process.env.PYTHONPATH].filter(Boolean).join(path.delimiter);
  const child = spawn(python.command, ["-m", "unsam_training", ...args], {
    env: { ...process.env, PYTHONPATH: modules, PYTHONUNBUFFERED: "1", PYTHONDONTWRITEBYTECODE: "1" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const interrupt = () => child.kill("SIGINT");
  const terminate = () => child.kill("SIGTERM");
  signal.addEventListener("abort", interrupt, { once: true });
  process.once("SIGTERM", terminate);
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    printed += text;
  });
  return new Promise<TrainingOutcome>((resolve, reject) => {
    child.once("error", (cause) => {
      reject(
        new UnSAMError("E_RUNTIME", `${python.command} could not be started: ${cause.message}`, { cause }),
      );
    });
    child.once("close", (code, killed) => {
      if (code === null && !signal.aborted) {
        reject(
          new UnSAMError("E_RUNTIME", `The training process was ended by ${killed}; is there enough memory?`),
        );
        return;
      }
      resolve({ code: code ?? 130, summary: summaryOf(printed) });
    });
  }).finally(() => {
    signal.removeEventListener("abort", interrupt);
    process.removeListener("SIGTERM", terminate);
  });
}

function summaryOf(printed: string): TrainingSummary | null {
  try {
    return JSON.parse(printed);
  } catch {
    return null;
  }
}
