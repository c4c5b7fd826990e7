import { reasonOf, shown } from "@unsam/core/files";
import type { Check, Diagnosis } from "@unsam/sdk";
import { Command } from "commander";
import { wordsToAdd } from "../defaults/apply-defaults.js";
import type { DefaultsFlags } from "../defaults/default-flags.js";
import { findDefaults, readDefaults } from "../defaults/defaults-file.js";
import { adviceWithoutSharp, EXIT_FAILED } from "../failure.js";
import { withExamples } from "../help/examples.js";
import type { Interrupt } from "../terminal/interrupt.js";
import { printResult } from "../terminal/output.js";
import { withProgress } from "../terminal/progress.js";

export function doctorCommand({ signal }: Interrupt): Command {
  const command = new Command("doctor")
    .description("Tell what this machine offers and which engine runs; exit code 0 where everything works.")
    .option("--json", "print one JSON document to standard output")
    .action(async (flags: DefaultsFlags & { json?: true }, { parent }: Command) => {
      const found = await withProgress("Looking around", lookAround);
      const defaults = await defaultsCheck(flags, parent as Command, signal);
      const checks = [...found.checks, defaults];
      const whole = { ok: found.ok && defaults.ok, checks };
      printResult(
        flags.json,
        () => whole,
        () => describe(whole),
      );
      if (!whole.ok) process.exitCode = EXIT_FAILED;
    });
  return withExamples(command, [
    ["unsam doctor", "what works here, and what would work better"],
    ["unsam doctor --json", "the same for programs"],
  ]);
}

/** Of an installation without sharp, which the SDK does not even load, that alone is told. */
async function lookAround(): Promise<Diagnosis> {
  try {
    return await (await import("@unsam/sdk")).diagnose();
  } catch (cause) {
    const advice = adviceWithoutSharp(cause);
    if (advice === null) throw cause;
    const check: Check = { name: "sharp", ok: false, needed: true, found: "none that can be loaded", advice };
    return { ok: false, checks: [check] };
  }
}

/** Which file of defaults is used here. One that cannot be used stops every command. */
async function defaultsCheck(
  { defaults }: DefaultsFlags,
  program: Command,
  signal: AbortSignal,
): Promise<Check> {
  const check = { name: "defaults", needed: true };
  try {
    const found = await findDefaults(defaults);
    if (found === null) {
      const where =
        defaults === false ? "none is looked for" : "none: no unsam.config.json or .mjs here or above";
      return { ...check, ok: true, found: where, advice: null };
    }
    const { file, problem } = found;
    if (problem === null) {
      const content = await readDefaults(file, signal);
      // Of this program, nothing runs any more.
      for (const command of program.commands) wordsToAdd(command, program, content, file);
      return { ...check, ok: true, found: file, advice: null };
    }
    const advice = "Pass --defaults FILE to use it, or --no-defaults.";
    return {
      ...check,
      needed: false,
      ok: false,
      found: `${shown(file)} is not used, for it ${problem}`,
      advice,
    };
  } catch (cause) {
    signal.throwIfAborted();
    return { ...check, ok: false, found: "cannot be used", advice: reasonOf(cause) };
  }
}

function describe({ ok, checks }: Diagnosis): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.map(({ name, ok, needed, found, advice }) => {
    const mark = ok ? "ok " : needed ? "!! " : "-- ";
    return `${mark} ${name.padEnd(width)}  ${found}${advice ? `\n${" ".repeat(width + 6)}${advice}` : ""}`;
  });
  const warnings = checks.filter((check) => !check.ok && !check.needed).length;
  const works = ok ? "everything works" : "something that is needed does not work (!!)";
  lines.push(
    `${works}${warnings === 0 ? "" : `; ${warnings} ${warnings === 1 ? "warning" : "warnings"} (--)`}`,
  );
  return `${lines.join("\n")}\n`;
}
