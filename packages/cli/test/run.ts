import { spawn } from "node:child_process";
import { inRepository } from "@unsam/test-support";

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the built `unsam` as a user does. */
export function unsam(
  args: readonly string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv; timeout?: number } = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const main = inRepository("packages", "cli", "dist", "main.js");
    const child = spawn(process.execPath, [main, ...args], {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      timeout: options.timeout ?? 60_000,
    });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (text) => {
      stdout += text;
    });
    child.stderr.on("data", (text) => {
      stderr += text;
    });
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** What was said on standard error, without the lines that tell of a step that takes more than a second. */
export function sentences(stderr: string): string[] {
  return stderr
    .trim()
    .split("\n")
    .filter((line) => !line.startsWith("- "));
}
