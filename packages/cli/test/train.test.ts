import { spawn, spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describeWithShared, inRepository, shared } from "@unsam/test-support";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { unsam, unsamProcess } from "./run.js";

const folder = mkdtempSync(path.join(tmpdir(), "unsam-train-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const COMPLETE = { python: "3.11", torch: "2.1.0", numpy: "1.24.2", pillow: "9.4.0" };

/** A `python3` that answers the question for its packages, and otherwise runs `body` of a shell script. */
function pretend(name: string, found: object, body = ""): string {
  const file = path.join(folder, name);
  writeFileSync(
    file,
    `#!/bin/sh\nif [ "$1" = "-c" ]; then echo '${JSON.stringify(found)}'; exit 0; fi\n${body}\n`,
  );
  chmodSync(file, 0o755);
  return file;
}

const run = ["train", "--recipe", "adapt", "--out", "runs/x"];

describe.skipIf(process.platform === "win32")("unsam train", () => {
  it("says what to install where there is no Python", async () => {
    const outcome = await unsam(run, { env: { PATH: folder, UNSAM_PYTHON: "/no/such/python3" } });
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toContain("/no/such/python3 could not be run");
    expect(outcome.stderr).toContain("python3-torch");
    expect(outcome.stdout).toBe("");
  });

  it.each([
    [{ ...COMPLETE, torch: null, pillow: null }, "lacks torch, pillow"],
    [{ ...COMPLETE, python: "3.7" }, "is older than 3.9"],
    [{ ...COMPLETE, torch: "1.12.1" }, "has torch 1.12.1"],
  ])("says what is wrong with a Python that has %j", async (found, problem) => {
    const outcome = await unsam([...run, "--python", pretend("poor", found)]);
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toContain(problem);
    expect(outcome.stderr).toContain("pip install torch numpy pillow");
  });

  it("hands its options on and prints the summary", async () => {
    const file = path.join(folder, "arguments");
    const python = pretend(
      "willing",
      COMPLETE,
      `printf '%s\\n' "$@" > ${file}; echo "$PYTHONPATH" >> ${file}; echo 'step 1/5' >&2
echo '{"out": "runs/x", "step": 5, "steps": 5, "first_loss": 2, "last_loss": 1, "changed": ["a.lora_A"], "added": [], "unchanged": 3}'`,
    );
    const options = [
      "--steps",
      "5",
      "--weights",
      "ema",
      "--evaluate-every",
      "2",
      "--learning-rate",
      "1e-3",
      "--set",
      "views=0",
      "--set",
      "dice=2",
    ];
    const command = [...run, "--python", python, ...options];
    const outcome = await unsamProcess([...command, "--", "--ema-decay", "0.9"]);
    expect(outcome.code).toBe(0);
    expect(outcome.stderr).toContain("step 1/5");
    expect(outcome.stdout).toBe(
      "runs/x: step 5 of 5, loss 2.0000 at first, 1.0000 at last\n" +
        "tensors: 1 changed, 0 added, 3 unchanged\n  changed  a.lora_A\n",
    );
    const given = readFileSync(file, "utf8").trim().split("\n");
    const modules = given.pop()!;
    expect(existsSync(path.join(modules.split(":")[0], "unsam_training", "__main__.py"))).toBe(true);
    expect(given.slice(0, 2)).toEqual(["-m", "unsam_training"]);
    for (const pair of [
      "--recipe adapt",
      "--out runs/x",
      "--steps 5",
      "--weights ema",
      "--evaluate-every 2",
      "--learning-rate 1e-3",
      "--set dice=2",
    ]) {
      expect(given.join(" ")).toContain(pair);
    }
    expect(given.join(" ")).toMatch(/--ema-decay 0\.9$/);
    const json = await unsamProcess([...command, "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ step: 5, changed: ["a.lora_A"] });
  });

  it.each([1, 2, 130])("ends with the trainer's exit code %i", async (code) => {
    const python = pretend(`code-${code}`, COMPLETE, `echo 'unsam_training: no' >&2; exit ${code}`);
    const outcome = await unsamProcess([...run, "--python", python]);
    expect(outcome).toMatchObject({ code, stdout: "" });
    expect(outcome.stderr).toContain("unsam_training: no");
  });

  it("says when the trainer was killed", async () => {
    const outcome = await unsamProcess([...run, "--python", pretend("victim", COMPLETE, "kill -9 $$")]);
    expect(outcome.code).toBe(1);
    expect(outcome.stderr).toContain("ended by SIGKILL");
  });

  it("passes SIGINT on and waits for the checkpoint", async () => {
    const body = `trap 'sleep 0.3; echo "{\\"out\\": \\"x\\", \\"step\\": 3, \\"steps\\": 9}"; exit 130' INT
echo ready >&2; while :; do sleep 0.05; done`;
    const python = pretend("patient", COMPLETE, body);
    const main = inRepository("packages", "cli", "dist", "main.js");
    const child = spawn(process.execPath, [main, ...run, "--python", python]);
    let stdout = "";
    child.stdout.on("data", (text) => {
      stdout += text;
    });
    child.stderr.on("data", (text) => {
      if (String(text).includes("ready")) child.kill("SIGINT");
    });
    const code = await new Promise((resolve) => child.on("close", resolve));
    expect(code).toBe(130);
    expect(stdout).toBe("x: step 3 of 9\n");
  });

  it("refuses bad usage itself", async () => {
    expect(await unsam(["train", "--recipe", "adapt"])).toMatchObject({ code: 2 });
    expect((await unsam([...run, "--colour", "red"])).stderr).toContain("--colour");
  });
});

const PYTHON = ["/usr/bin/python3", "python3"].find(
  (command) => spawnSync(command, ["-c", "import torch, numpy, PIL"]).status === 0,
);

describeWithShared("unsam train with PyTorch", () => {
  const images = path.join(folder, "images");
  const labels = path.join(folder, "labels");

  beforeAll(async () => {
    mkdirSync(images);
    mkdirSync(labels);
    const [width, height] = [64, 48];
    for (const name of ["one", "two"]) {
      const pixels = { width, height, channels: 3 as const, background: name === "one" ? "#338" : "#833" };
      await sharp({ create: pixels })
        .png()
        .toFile(path.join(images, `${name}.png`));
      // The left half, a mask of one run.
      const segmentation = { size: [height, width], counts: [0, (width * height) / 2, (width * height) / 2] };
      const mask = { id: 0, segmentation, bbox: [0, 0, width / 2, height], area: (width * height) / 2 };
      const annotation = { ...mask, granularity: 1, instance_id: 0, is_part: false };
      const image = { file_name: `${name}.png`, width, height, image_id: 0 };
      writeFileSync(path.join(labels, `${name}.json`), JSON.stringify({ image, annotations: [annotation] }));
    }
  });

  const adapt = (...more: string[]) => [
    ...["train", "--recipe", "adapt", "--python", PYTHON!, "--images", images, "--labels", labels],
    ...["--checkpoint", shared("parity", "unsamv2-mini", "checkpoint.pt"), "--out", path.join(folder, "run")],
    ...more,
  ];

  it.skipIf(!PYTHON)("adapts the mini checkpoint and lists what changed", { timeout: 120_000 }, async () => {
    const config = shared("parity", "unsamv2-mini", "config.json");
    const sizes = ["--steps", "2", "--batch-size", "1", "--set", "prompts_per_image=2", "--threads", "1"];
    const outcome = await unsamProcess(adapt("--config", config, ...sizes, "--json"), { timeout: 110_000 });
    expect(outcome.stderr).toContain("step 2/2");
    expect(outcome.code).toBe(0);
    const summary = JSON.parse(outcome.stdout);
    expect(summary).toMatchObject({ step: 2, added: [], unchanged: 371 });
    expect(summary.changed).toHaveLength(70);
    const report = await unsam(["inspect", summary.weights, "--config", summary.config, "--json"]);
    expect(JSON.parse(report.stdout).problem).toBeNull();
  });

  it.skipIf(!PYTHON)("tells bad input by the trainer's own sentence", { timeout: 120_000 }, async () => {
    const outcome = await unsamProcess(adapt("--steps", "2"), { timeout: 110_000 });
    expect(outcome.code).toBe(2);
    expect(outcome.stderr).toContain("no published size; give its --config");
  });
});
