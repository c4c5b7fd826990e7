// A dry run of native/scripts/gpu-check: a fake nvidia-smi, fake tools and programs that only say something. What is looked at
// are the files that it leaves, whenever it ends.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

const SCRIPT = fileURLToPath(new URL("../../../native/scripts/gpu-check", import.meta.url));
const TESTS = [
  "runtime_test",
  "token_kernels_test",
  "prompt_matrices_test",
  "image_passes_test",
  "upscale_test",
  "prepare_image_test",
  "cuda_decoder_test",
  "cuda_capacity_test",
  "cuda_fusion_test",
  "cuda_fusion_failures_test",
];

interface Report {
  finished: boolean;
  failed: number;
  gpu: string;
  running: string;
  steps: { step: string; result: string; seconds: number; detail: string; output: string }[];
}

/** The files of a run, both checked for being whole. */
function read(out: string): Report {
  const files = readdirSync(out);
  expect(files.length).toBeLessThanOrEqual(8);
  const report = JSON.parse(readFileSync(join(out, "gpu-check.json"), "utf8")) as Report;
  const text = readFileSync(join(out, "gpu-check.md"), "utf8");
  expect(text).toMatch(/^# CUDA backend, \d{4}-.*\n\nGPU: .*\n\n\| step \| result \| seconds \| \|\n\| --- /);
  expect(text.endsWith("\n")).toBe(true);
  const table = (text.split("\n\n")[2] as string).trimEnd().split("\n").slice(2);
  for (const row of table) expect(row).toMatch(/^\|( [^|]* \|){4}$/);
  // The report in JSON is written first.
  expect([table.length, table.length + 1]).toContain(report.steps.length);
  return report;
}

describe.skipIf(process.platform !== "linux")("gpu-check", () => {
  let folder: string;
  const program = (path: string, body: string) => {
    writeFileSync(path, `#!/bin/sh\n${body}\n`);
    chmodSync(path, 0o755);
  };

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "unsam-gpu-check-"));
    for (const name of ["tools", "programs", "shared", "shared/parity"]) mkdirSync(join(folder, name));
    const tools = join(folder, "tools");
    program(join(tools, "nvidia-smi"), "echo 'Fake \"GPU\", 1.2, 9.0, 80000 MiB'");
    program(join(tools, "compute-sanitizer"), "exit 0");
    program(join(tools, "ncu"), "echo counted");
    program(join(tools, "python"), "exit 1");
    for (const name of [...TESTS, "cuda_parity_test"])
      program(join(folder, "programs", name), "sleep 0.02; echo ok");
    for (const name of ["cuda_bench", "cuda_fusion_bench"]) {
      program(join(folder, "programs", name), "printf '| what | ms |\\n| --- | --- |\\n| nothing | 1 |\\n'");
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function start(out: string, more: Record<string, string> = {}): ChildProcess {
    const env = {
      PATH: `${join(folder, "tools")}:/usr/bin:/bin`,
      OUT: out,
      PROGRAMS: join(folder, "programs"),
      UNSAM_SHARED: join(folder, "shared"),
      PYTHON: join(folder, "tools", "python"),
      ...more,
    };
    return spawn("bash", [SCRIPT], { env, stdio: "ignore" });
  }

  it("goes on after failures, tries a failed test launch by launch, and takes no skipped test for a passed one", async () => {
    const out = join(folder, "whole");
    const programs = join(folder, "failing");
    mkdirSync(programs);
    for (const name of readdirSync(join(folder, "programs"))) {
      program(join(programs, name), `exec ${join(folder, "programs", name)}`);
    }
    program(
      join(programs, "cuda_decoder_test"),
      `printf '"\\\\ \\377\\001 | blocking=%s\\n' "$CUDA_LAUNCH_BLOCKING"; exit 3`,
    );
    program(join(programs, "prepare_image_test"), "exit 77");
    const [code] = await once(start(out, { PROGRAMS: programs }), "exit");
    expect(code).toBe(1);
    const report = read(out);
    expect(report.finished).toBe(true);
    expect(report.gpu).toBe('Fake "GPU", 1.2, 9.0, 80000 MiB');
    const names = report.steps.map((step) => step.step);
    const result = (name: string) => report.steps.find((step) => step.step === name)?.result;
    expect(names.slice(1, 6)).toEqual(TESTS.slice(0, 5));
    expect(result("prepare_image_test")).toBe("FAILED");
    expect(result("cuda_decoder_test")).toBe("FAILED");
    const again = report.steps.find((step) => step.step === "cuda_decoder_test, launches one by one");
    expect(again?.detail).toBe("exit 3");
    expect(again?.output).toBe('"\\  | blocking=1');
    const inOrder = [
      "cuda_fusion_test",
      "decoder benchmark",
      "parity",
      "PyTorch",
      "kernels, 1 prompts",
      "memcheck: image_passes_test",
    ];
    expect(names.filter((name) => inOrder.includes(name))).toEqual(inOrder);
    expect(report.failed).toBe(report.steps.filter((step) => step.result === "FAILED").length);
    expect(readFileSync(join(out, "gpu-check.md"), "utf8")).toContain("| nothing | 1 |");
    expect(existsSync(join(out, "gpu-check.running.log"))).toBe(false);
  });

  it("cuts each step to the budget", async () => {
    const out = join(folder, "hanging");
    const programs = join(folder, "hangs");
    mkdirSync(programs);
    program(join(programs, "runtime_test"), '[ -n "$1" ] && exit 77; echo before; sleep 60');
    await once(start(out, { PROGRAMS: programs, BUDGET: "3" }), "exit");
    const report = read(out);
    expect(report.steps[1]).toMatchObject({ step: "runtime_test", result: "FAILED", output: "before" });
    expect(report.steps[1]?.detail).toMatch(/^stopped after [1-4] s$/);
    expect(report.steps.at(-1)).toMatchObject({ result: "skipped" });
  });

  it.each(["SIGKILL", "SIGTERM"] as const)(
    "leaves whole files when %s ends it at any moment",
    async (signal) => {
      const ends = Array.from({ length: 8 }, async (_, index) => {
        const out = join(folder, `${signal}-${index}`);
        const child = start(out);
        const exit = once(child, "exit");
        while (!existsSync(join(out, "gpu-check.md"))) await wait(2);
        await wait(Math.random() * 1000);
        child.kill(signal);
        await exit;
        return read(out);
      });
      const reports = await Promise.all(ends);
      expect(reports.some((report) => !report.finished)).toBe(true);
      if (signal === "SIGTERM") expect(reports.every((report) => report.running === "")).toBe(true);
    },
  );
});
