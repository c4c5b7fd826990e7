import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { describeWithShared, inRepository, shared } from "@unsam/test-support";
import { afterAll, beforeAll, expect, it } from "vitest";
import { unsamProcess as unsam } from "./run.js";

let folder: string;
let broken: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "unsam-native-"));
  broken = path.join(folder, "unsam.node");
  await writeFile(broken, "This is no binary.\n");
});
afterAll(() => rm(folder, { recursive: true }));

async function nativeCheck(UNSAM_NATIVE: string) {
  const { code, stdout } = await unsam(["doctor", "--json"], { env: { UNSAM_NATIVE } });
  const { checks } = JSON.parse(stdout);
  return { code, check: checks.find(({ name }: { name: string }) => name === "native addon") };
}

describeWithShared("the native addon, from the command line", () => {
  const segment = (UNSAM_NATIVE: string) => {
    const fixture = (file: string) => shared("parity", "unsamv2-mini", file);
    const model = ["--model", fixture("checkpoint.pt"), "--config", fixture("config.json")];
    const prompt = ["--point", "195,148", "--granularity", "0.5"];
    return unsam(["segment", fixture("img0.png"), ...model, ...prompt, "--json"], {
      env: { UNSAM_NATIVE, UNSAM_CACHE: path.join(folder, "cache") },
    });
  };

  it("turned off, or broken: ONNX Runtime answers, and doctor knows why", async () => {
    for (const [value, why] of [
      ["off", "UNSAM_NATIVE=off"],
      [broken, broken],
    ]) {
      const { code, stdout, stderr } = await segment(value);
      expect(code, stderr).toBe(0);
      const { model, segment: mask } = JSON.parse(stdout);
      expect(model.decoder).toBe("onnx");
      expect(mask.area).toBeGreaterThan(0);
      const { code: doctorCode, check } = await nativeCheck(value);
      expect(doctorCode).toBe(0);
      expect(check).toMatchObject({ ok: false, advice: expect.stringContaining(why) });
    }
  });

  it("gives the same mask as ONNX Runtime", async ({ skip }) => {
    const addon = inRepository("packages", "native-cuda", "build", "Release", "unsam.node");
    const { check } = await nativeCheck(addon);
    if (!check.ok) skip(check.advice);
    const [native, onnx] = [await segment(addon), await segment("off")].map(({ stdout }) =>
      JSON.parse(stdout),
    );
    expect([native.model.decoder, onnx.model.decoder]).toEqual(["native", "onnx"]);
    expect(Math.abs(native.segment.score - onnx.segment.score)).toBeLessThan(1e-4);
    expect(Math.abs(native.segment.area - onnx.segment.area)).toBeLessThan(20);
  });
});
