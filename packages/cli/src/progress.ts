import ora from "ora";

const PATIENCE_MS = 1000;

/** Runs a step and tells on standard error what it is doing once it takes more than a second. */
export async function withProgress<T>(text: string, step: () => Promise<T>): Promise<T> {
  const spinner = ora({ text, stream: process.stderr, discardStdin: false });
  const timer = setTimeout(() => spinner.start(), PATIENCE_MS);
  try {
    return await step();
  } finally {
    clearTimeout(timer);
    spinner.stop();
  }
}
