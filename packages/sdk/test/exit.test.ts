import { spawn } from "node:child_process";
import { describeWithShared, shared } from "@unsam/test-support";
import { describe, expect, it } from "vitest";

/** Runs a program that ends while the model is at work; resolves to its exit code, or the signal that killed it. */
function run(program: string): Promise<number | string | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], { timeout: 30_000 });
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(signal ?? code));
  });
}

const sdk = JSON.stringify(import.meta.resolve("@unsam/sdk"));
const photo = "{ data: new Uint8Array(300 * 200 * 3).fill(90), width: 300, height: 200, channels: 3 }";

function program(model: string, ending: string): string {
  return `
    import { UnSAM } from ${sdk};
    const unsam = await UnSAM.load(${model});
    await unsam.encode(${photo});
    (async () => { for (;;) await unsam.encode(${photo}); })().catch(() => {});
    ${ending}
  `;
}

describe("the end of a process", () => {
  it("comes by itself when the work is done, without dispose", async () => {
    expect(
      await run(`
        import { UnSAM } from ${sdk};
        const image = await (await UnSAM.load({ model: "region-tree" })).encode(${photo});
        await image.segment({ points: [[10, 10]] });
      `),
    ).toBe(0);
  });

  it("comes without a complaint after an overlay, also where flags of the process forbid files", async () => {
    expect(
      await run(`
        import { UnSAM } from ${sdk};
        const image = await (await UnSAM.load({ model: "region-tree" })).encode(${photo});
        const overlay = await (await image.segment({ points: [[10, 10]] })).overlay();
        process.exit(overlay.length > 0 ? 0 : 1);
      `),
    ).toBe(0);
  });

  it("keeps its exit code while a region tree is being built", async () => {
    expect(await run(program("{}", "setTimeout(() => process.exit(7), 40);"))).toBe(7);
  });
});

describeWithShared("the end of a process, with a network", () => {
  const fixture = (name: string) => shared("parity", "unsamv2-mini", name);
  const model = JSON.stringify({
    model: { checkpoint: fixture("checkpoint.pt"), config: fixture("config.json") },
  });

  // ONNX Runtime's binding aborts the process (code 134) when its thread is torn down in the middle of a run.
  it.each([3, 11, 26, 47, 75])("keeps its exit code %i ms into the encoder's work", async (delay) => {
    expect(await run(program(model, `setTimeout(() => process.exit(7), ${delay});`))).toBe(7);
  });

  it("keeps the exit code of an uncaught error", async () => {
    const ending = `process.on("uncaughtException", () => process.exit(9)); setTimeout(() => { throw new Error("x"); }, 20);`;
    expect(await run(program(model, ending))).toBe(9);
  });

  it("dies of a signal as any process does", async () => {
    expect(await run(program(model, `setTimeout(() => process.kill(process.pid, "SIGTERM"), 30);`))).toBe(
      "SIGTERM",
    );
  });
});
