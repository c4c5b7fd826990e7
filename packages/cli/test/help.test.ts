import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { BUILT_IN_MODELS } from "@unsam/sdk";
import { inRepository } from "@unsam/test-support";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { commandTable } from "#cli/completion/command-table.js";
import { examplesOf } from "#cli/help/examples.js";
import { createProgram } from "#cli/program.js";
import { Interrupt } from "#cli/terminal/interrupt.js";
import { unsam } from "./run.js";

const interrupt = new Interrupt();
const program = createProgram(interrupt);
const table = commandTable(program);
const hasBash = existsSync("/bin/bash");

/** The words of a line of shell as a program gets them: without pipes, redirections and what only shells know. */
function wordsOf(line: string): string[] {
  const alone = line
    .replace(/ \| .*| [<>] \S+/g, "")
    .replace(/^eval "\$\((.*)\)"$|^source <\((.*)\)$/, "$1$2");
  return [...alone.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);
}

describe("examples of help", () => {
  const all = program.commands.flatMap((command) =>
    examplesOf(command).map(([line]) => [command.name(), line] as const),
  );

  it("are there for every command", () => {
    for (const command of program.commands) {
      const count = examplesOf(command).length;
      expect([1, 2, 3, 4], command.name()).toContain(count);
    }
  });

  it.each(all)("%s: %s is understood", async (name, line) => {
    const [unsamName, first, ...rest] = wordsOf(line);
    expect([unsamName, first]).toEqual(["unsam", name]);
    // A program of its own, whose commands only take what was parsed.
    const fresh = createProgram(interrupt);
    let taken: string | null = null;
    for (const command of fresh.commands) {
      command.action(() => {
        taken = command.name();
      });
    }
    await fresh.parseAsync([first, ...rest], { from: "user" });
    expect(taken).toBe(name);
  });

  it("work where they need no more than a photo", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "unsam-examples-"));
    copyFileSync(inRepository("docs", "images", "fruit-board.jpg"), path.join(folder, "street.jpg"));
    await sharp(path.join(folder, "street.jpg")).tiff({ tile: true }).toFile(path.join(folder, "map.tif"));
    mkdirSync(path.join(folder, "photos"));
    copyFileSync(path.join(folder, "street.jpg"), path.join(folder, "photos", "one.jpg"));
    mkdirSync(path.join(folder, "more"));
    copyFileSync(path.join(folder, "street.jpg"), path.join(folder, "more", "two.jpg"));
    try {
      for (const [name, line] of all) {
        if (!["segment", "ladder", "everything"].includes(name) || line.includes(" - ")) continue;
        const { code, stderr } = await unsam(wordsOf(line).slice(1), { cwd: folder });
        expect([line, code, stderr]).toEqual([line, 0, expect.anything()]);
      }
      const made = [
        "ladder.png",
        "map.geojson",
        "map.tif",
        "mask.png",
        "masks",
        "more",
        "photos",
        "scene.json",
        "scene.png",
        "scenes",
        "street.jpg",
        "street.labelme.json",
      ];
      expect(readdirSync(folder).sort()).toEqual(made);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe.skipIf(!hasBash)("completion in Bash", () => {
  let script: string;
  beforeAll(async () => {
    const { code, stdout } = await unsam(["completion", "bash"]);
    expect(code).toBe(0);
    script = stdout;
  });

  /** What is offered for the last of the words, with COMP_WORDS cut as Bash cuts them. */
  function offered(...words: string[]): string[] {
    const program = `${script}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _unsam; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const text = execFileSync("/bin/bash", ["--norc", "-uc", program, "bash", "unsam", ...words]).toString();
    return text.split("\n").filter((line) => line !== "");
  }

  it("offers every command and every option of each", () => {
    const names = table.slice(1).map(({ name }) => name);
    expect(offered("")).toEqual(expect.arrayContaining([...names, "--version", "--help"]));
    expect(offered("pseu")).toEqual(["pseudo-label"]);
    for (const { name, options } of table.slice(1)) {
      const flags = options.flatMap((option) => option.flags);
      expect(offered(name, "-"), name).toEqual(flags);
    }
  });

  it("offers values, and leaves files to Bash", () => {
    expect(offered("everything", "a.jpg", "--prompting", "")).toEqual(["adaptive", "grid", "regions"]);
    expect(offered("everything", "--prompting", "=", "g")).toEqual(["grid"]);
    expect(offered("everything", "--prompting", "=")).toEqual(["adaptive", "grid", "regions"]);
    expect(offered("segment", "--model", "")).toEqual(
      expect.arrayContaining([...BUILT_IN_MODELS, "unsamv2"]),
    );
    expect(offered("completion", "")).toEqual(["bash", "zsh", "fish"]);
    expect(offered("help", "lad")).toEqual(["ladder"]);
    expect(offered("segment", "--out", "")).toEqual([]);
    expect(offered("segment", "")).toEqual([]);
    expect(offered("fly", "-")).toEqual([]);
    expect(script).toMatch(/^complete -o default -F _unsam unsam$/m);
  });
});

describe("completion in other shells", () => {
  it.each(["zsh", "fish"])(
    "has every command and option in %s, in a script that it can read",
    async (shell) => {
      const { code, stdout } = await unsam(["completion", shell]);
      expect(code).toBe(0);
      for (const { name, options } of table.slice(1)) {
        const lines = stdout.split("\n").filter((line) => new RegExp(`[ (]${name}[' )]`).test(line));
        for (const { flags } of options) {
          const long = flags.at(-1)!;
          const text = shell === "zsh" ? `*${long}[` : ` -l ${long.slice(2)} `;
          expect(
            lines.some((line) => line.includes(text)),
            `${name} ${long}`,
          ).toBe(true);
        }
      }
      // Where the shell is here, it looks at the script itself.
      const folder = mkdtempSync(path.join(tmpdir(), "unsam-completion-"));
      const script = path.join(folder, "script");
      writeFileSync(script, stdout);
      const read = spawnSync(shell, ["-n", script]);
      rmSync(folder, { recursive: true });
      if (!read.error) expect([read.status, read.stderr.toString()]).toEqual([0, ""]);
    },
  );

  it("says of each option what it is for, without half a bracket", () => {
    const cut = table
      .flatMap(({ options }) => options.map(({ about }) => about))
      .filter((about) => about.split("(").length !== about.split(")").length || about === "");
    expect(cut).toEqual([]);
  });

  it("is refused for a shell that is not known", async () => {
    const { code, stdout, stderr } = await unsam(["completion", "dash"]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/Allowed choices are bash, zsh, fish/);
  });
});
