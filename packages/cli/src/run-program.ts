import { CommanderError } from "commander";
import { applyDefaults } from "./defaults/apply-defaults.js";
import { EXIT_BAD_INPUT, exitCodeOf, explain } from "./failure.js";
import { createProgram } from "./program.js";
import type { Interrupt } from "./terminal/interrupt.js";
import { tell } from "./terminal/output.js";

/** Runs one command line (without `node` and the script) to its end; says what went wrong, and sets the exit code. */
export async function runProgram(args: readonly string[], interrupt: Interrupt): Promise<void> {
  try {
    await interrupt.endWaitingFor(run(args, interrupt));
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has said what was wrong already; help and version are no failures.
      process.exitCode = error.exitCode === 0 ? 0 : EXIT_BAD_INPUT;
    } else if (!interrupt.signal.aborted) {
      tell(`unsam: ${explain(error)}`);
      process.exitCode = exitCodeOf(error);
    }
  }
}

async function run(args: readonly string[], interrupt: Interrupt): Promise<void> {
  const create = () => createProgram(interrupt);
  const whole = await applyDefaults(args, create, interrupt.signal);
  await create().parseAsync(whole, { from: "user" });
}
