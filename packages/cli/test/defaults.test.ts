import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { inRepository } from "@unsam/test-support";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { applyDefaults } from "#cli/defaults/apply-defaults.js";
import { keysOf } from "#cli/defaults/file-sections.js";
import { nearestKey } from "#cli/defaults/nearest-key.js";
import { createProgram } from "#cli/program.js";
import { Interrupt } from "#cli/terminal/interrupt.js";
import { sentences, unsam, unsamProcess } from "./run.js";

const interrupt = new Interrupt();
const create = () => createProgram(interrupt);

let top: string;
let folder: string;
beforeEach(() => {
  top = mkdtempSync(path.join(tmpdir(), "unsam-defaults-"));
  folder = path.join(top, "deep", "er");
  mkdirSync(folder, { recursive: true });
  copyFileSync(inRepository("docs", "images", "dragonfruit.jpg"), path.join(folder, "a.jpg"));
});
afterEach(() => rmSync(top, { recursive: true }));

const write = (content: unknown, name = "unsam.config.json", where = top) =>
  writeFileSync(path.join(where, name), typeof content === "string" ? content : JSON.stringify(content));

/** The words that the file adds to a line, begun in the inner folder. */
async function added(...args: string[]): Promise<readonly string[]> {
  const before = process.cwd();
  process.chdir(folder);
  try {
    const whole = await applyDefaults(args, create, interrupt.signal);
    expect(whole[0]).toBe(args[0]);
    expect(whole.slice(whole.length - args.length + 1)).toEqual(args.slice(1));
    return whole.slice(1, whole.length - args.length + 1);
  } finally {
    process.chdir(before);
  }
}

describe("a file of defaults", () => {
  it("adds what the line does not say: the command's section first, then what is for all", async () => {
    write({
      threads: 2,
      granularity: "fine",
      json: true,
      segment: { granularity: 0.5, multimask: false, point: [[1, 2], "3,4,0"], box: [1, 2, 3, 4] },
      ladder: { levels: [0.1, "coarse"] },
      train: { set: ["a=1", "b=2"], steps: 5 },
    });
    const segment = ["--granularity=0.5", "--point=1,2", "--point=3,4,0", "--box=1,2,3,4"];
    expect(await added("segment", "a.jpg")).toEqual([...segment, "--threads=2", "--json"]);
    expect(await added("segment", "a.jpg", "--point", "9,9", "--granularity=1")).toEqual([
      "--box=1,2,3,4",
      "--threads=2",
      "--json",
    ]);
    expect(await added("ladder", "a.jpg", "--json")).toEqual(["--levels=0.1,coarse", "--threads=2"]);
    expect(await added("train", "--threads", "8", "--", "--x")).toEqual([
      "--set=a=1",
      "--set=b=2",
      "--steps=5",
      "--json",
    ]);
    expect(await added("models")).toEqual(["--json"]);
    expect(await added("completion", "bash")).toEqual([]);
    expect(await added("segment", "--help")).toEqual([]);
    expect(await added("segment", "a.jpg", "--no-defaults")).toEqual([]);
    expect(await added("fly")).toEqual([]);
    // What is wrong with the line itself is for its parser to say.
    expect(await added("segment", "a.jpg", "--threads", "none")).toEqual([]);
  });

  it("names files from its own folder, and keeps names of models and commands", async () => {
    write({
      model: "w/x.pt",
      config: "c.json",
      train: { python: "python3", images: "photos" },
      eval: { model: ["nano", "./y.pt"] },
    });
    const at = (...parts: string[]) => path.join(top, ...parts);
    expect(await added("segment", "a.jpg")).toEqual([
      `--model=${at("w", "x.pt")}`,
      `--config=${at("c.json")}`,
    ]);
    expect(await added("train")).toEqual([
      "--python=python3",
      `--images=${at("photos")}`,
      `--config=${at("c.json")}`,
    ]);
    expect(await added("eval")).toEqual(["--model=nano", `--model=${at("y.pt")}`]);
    for (const model of ["nano", "unsamv2", "hf:owner/repository/a.pt", "https://host/a.pt"]) {
      write({ model, out: "-" });
      expect(await added("ladder")).toEqual([`--model=${model}`, "--out=-"]);
    }
  });

  it("gives no part of a model to another one, and no limit to what is not allowed", async () => {
    write({
      model: "x.pt",
      config: "c.json",
      weights: "ema",
      segment: { model: "nano" },
      "max-download": 5,
      calibrate: { regions: 5 },
    });
    expect(await added("ladder", "--model", "nano")).toEqual([]);
    expect(await added("segment")).toEqual(["--model=nano"]);
    expect(await added("ladder", "--model=nano", "--allow-url")).toEqual(["--max-download=5"]);
    expect(await added("calibrate", "--model", "nano", "--median-area", "5")).toEqual([]);
  });

  it("is the nearest one, or the one that is named", async () => {
    write({ threads: 1 });
    write({ threads: 2 }, "unsam.config.json", path.join(top, "deep"));
    write({ threads: 3 }, "other.json");
    expect(await added("segment")).toEqual(["--threads=2"]);
    expect(await added("segment", "--defaults", "../../other.json")).toEqual(["--threads=3"]);
  });

  it("may be a module", async () => {
    write("export default { segment: { model: ['region', 'tree'].join('-') } };", "unsam.config.mjs");
    const args = ["segment", "a.jpg", "--point", "211,144"];
    const { code, stdout } = await unsamProcess(args, { cwd: folder });
    expect(code).toBe(0);
    expect(stdout).toContain("(region-tree;");
  });

  it.each<[string, () => void, RegExp]>([
    [
      "a key that is none",
      () => write({ thread: 1 }),
      /“thread” .* is not known: .*; did you mean "threads"\?/,
    ],
    ["a key in camel case", () => write({ segment: { maxPixels: 1 } }), /did you mean "max-pixels"\?/],
    [
      "a key of another command",
      () => write({ segment: { levels: 3 } }),
      /unsam segment has no option for it/,
    ],
    ["a section that is none", () => write({ ladder: 3 }), /ladder in .* is no object/],
    ["a key like nothing", () => write({ "": 1 }), /leave it out/],
    ["the file itself", () => write({ defaults: "x" }), /is not known/],
    [
      "a value that is none",
      () => write({ threads: "many" }),
      /In “.*”: option '--threads.*Give a whole number/,
    ],
    [
      "an object as a value",
      () => write({ threads: { a: 1 } }),
      /threads in .* is \{"a":1\}; give a text, a number/,
    ],
    ["a word for a switch", () => write({ json: "yes" }), /json in .* is "yes"; give true or false/],
    ["no JSON", () => write("{ model: 1 }"), /is not JSON/],
    ["a list", () => write([1]), /holds no object/],
    ["a module that fails", () => write("throw new Error('no')", "unsam.config.mjs"), /could not be run/],
    [
      "a module without a default",
      () => write("export const a = 1", "unsam.config.mjs"),
      /exports no object/,
    ],
    [
      "two files",
      () => {
        write({});
        write("export default {}", "unsam.config.mjs");
      },
      /has both unsam\.config\.json and unsam\.config\.mjs/,
    ],
    ["a broken link", () => symlinkSync("nowhere", path.join(top, "unsam.config.json")), /There is no file/],
    ["too much", () => write(" ".repeat(2 ** 21)), /at most 1048576 are read/],
  ])("with %s is refused before anything else", async (_, make, message) => {
    make();
    const { code, stdout, stderr } = await unsam(["segment", "none.jpg"], { cwd: folder });
    expect([code, stdout]).toEqual([2, ""]);
    expect(sentences(stderr)).toEqual([expect.stringMatching(message)]);
  });

  it.skipIf(process.platform === "win32")(
    "that is a pipe, or that others can write, is not waited for or used",
    async () => {
      execFileSync("mkfifo", [path.join(folder, "unsam.config.mjs")]);
      await expect(added("segment")).rejects.toThrow(/not a regular file/);
      write({ threads: 2 }, "unsam.config.json", path.join(top, "deep"));
      rmSync(path.join(folder, "unsam.config.mjs"));
      chmodSync(path.join(top, "deep", "unsam.config.json"), 0o666);
      const args = ["segment", "none.jpg", "--point", "1,1"];
      const { stderr } = await unsam(args, { cwd: folder });
      expect(stderr).toMatch(
        /unsam\.config\.json” is not used, for it may be written by everybody; pass --defaults FILE/,
      );
      expect(await added("segment", "--defaults", "../unsam.config.json")).toEqual(["--threads=2"]);
      // Only root can give files away.
      if (process.geteuid?.() !== 0) return;
      chmodSync(path.join(top, "deep", "unsam.config.json"), 0o644);
      chownSync(path.join(top, "deep", "unsam.config.json"), 12345, 12345);
      expect((await unsam(args, { cwd: folder })).stderr).toMatch(/belongs to another user \(number 12345\)/);
    },
  );

  it("is shown by the doctor, whatever is wrong with it", async () => {
    const check = async (...args: string[]) => {
      const { code, stdout } = await unsam(["doctor", "--json", ...args], { cwd: folder });
      const { checks } = JSON.parse(stdout);
      return { code, ...checks.find(({ name }: { name: string }) => name === "defaults") };
    };
    expect(await check()).toMatchObject({ code: 0, ok: true, found: expect.stringMatching(/^none: /) });
    write({ threads: 2 });
    const file = path.join(top, "unsam.config.json");
    expect(await check()).toMatchObject({ code: 0, ok: true, found: file });
    write({ ladder: { levels: "many" } });
    expect(await check()).toMatchObject({
      code: 1,
      ok: false,
      needed: true,
      advice: expect.stringMatching(/--levels/),
    });
    expect(await check("--no-defaults")).toMatchObject({ code: 0, ok: true });
  });
});

it("no option has the name of a command: a key means one thing", () => {
  const program = create();
  const names = program.commands.map((command) => command.name());
  expect(program.commands.flatMap(keysOf).filter((key) => names.includes(key))).toEqual([]);
});

it.each([
  ["tread", "threads"],
  ["pointsPerSide", "points-per-side"],
  ["outt", "out"],
  ["x".repeat(1e5), null],
  ["colour", null],
])("the nearest key is found for one with a slip: %#", (wrong, nearest) => {
  expect(nearestKey(wrong, ["threads", "points-per-side", "out", "model"])).toBe(nearest);
});
