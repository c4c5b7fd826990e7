import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { UnSAMError } from "@unsam/core/errors";
import { describe, expect, it } from "vitest";
import { WorkerThread } from "#core/runtime/worker-thread.js";

interface Counter {
  record(value: number): number[];
  where(): number;
  sleep(milliseconds: number): Promise<{ handle: number }>;
  firstOf(array: Float32Array): number;
  fail(message: string): void;
  failSilently(): void;
  unsendable(): unknown;
  moveTwice(): unknown;
  die(): void;
  dieOfUncaught(message: string): void;
}

const failure = (call: Promise<unknown>) =>
  call.then(
    () => null,
    (error) => error,
  );

function counter() {
  return new WorkerThread("test").bind<Counter>(new URL("./counter.worker.mjs", import.meta.url));
}

describe("WorkerThread", () => {
  it("runs calls elsewhere, in order, and keeps the module's state", async () => {
    const call = counter();
    const lists = await Promise.all([1, 2, 3].map((value) => call("record", [value])));
    expect(lists).toEqual([[1], [1, 2], [1, 2, 3]]);
    expect(await call("where", [])).toBeGreaterThan(0);
  });

  it("moves buffers instead of copying them", async () => {
    const array = Float32Array.of(2.5, 1);
    expect(await counter()("firstOf", [array], { transfer: [array.buffer] })).toBe(2.5);
    expect(array.length).toBe(0);
  });

  it("hands errors over with their message", async () => {
    await expect(counter()("fail", ["no such thing"])).rejects.toThrow("no such thing");
  });

  it("never hands an error over without a reason", async () => {
    expect((await failure(counter()("failSilently", []))).message).not.toBe("");
  });

  it("says so when what is passed cannot cross, and goes on working", async () => {
    const call = counter();
    const error = await failure(call("record", [(() => 1) as unknown as number]));
    expect(error).toBeInstanceOf(UnSAMError);
    expect(error).toMatchObject({ code: "E_RUNTIME", message: expect.stringMatching(/could not be cloned/) });
    expect(await call("record", [1])).toEqual([1]);
  });

  it.each([
    ["unsendable", /^The result of unsendable could not be sent back: .*could not be cloned\.$/],
    // Node 20 sends it, and fails to read it.
    [
      "moveTwice",
      /^(The result of moveTwice could not be sent back|An answer of the test thread could not be read): .+\.$/,
    ],
  ] as const)(
    "says so when a result cannot cross, and keeps the thread and its state: %s",
    async (name, message) => {
      const call = counter();
      await call("record", [1]);
      const error = await failure(call(name, []));
      expect(error).toBeInstanceOf(UnSAMError);
      expect(error).toMatchObject({ code: "E_RUNTIME", message: expect.stringMatching(message) });
      expect(await call("record", [2])).toEqual([1, 2]);
    },
  );

  it("tells the reason of an error that nobody caught", async () => {
    const call = counter();
    const error = await failure(call("dieOfUncaught", ["cannot move it"]));
    expect(error).toMatchObject({
      code: "E_RUNTIME",
      message: "The test thread stopped: cannot move it. Load the model again.",
    });
    expect(await call("record", [2])).toEqual([2]);
  });

  it("names the kind of an error that nobody caught and that says nothing", async () => {
    const error = await failure(counter()("dieOfUncaught", [""]));
    expect(error.message).toBe("The test thread stopped: DataCloneError. Load the model again.");
  });

  it("drops a queued call that is aborted, without running it", async () => {
    const call = counter();
    const first = call("sleep", [50]);
    const abort = new AbortController();
    const second = call("record", [1], { signal: abort.signal });
    abort.abort(new Error("enough"));
    await expect(second).rejects.toThrow("enough");
    await first;
    expect(await call("record", [2])).toEqual([2]);
  });

  it("lets go of a running call that is aborted, and discards its late result", async () => {
    const call = counter();
    const abort = new AbortController();
    const discarded: number[] = [];
    const running = call("sleep", [80], {
      signal: abort.signal,
      discard: ({ handle }) => discarded.push(handle),
    });
    setTimeout(() => abort.abort(new Error("enough")), 20);
    const started = performance.now();
    await expect(running).rejects.toThrow("enough");
    expect(performance.now() - started).toBeLessThan(70);
    await call("record", [1]);
    expect(discarded).toEqual([7]);
  });

  it("refuses a call whose signal is aborted already", async () => {
    await expect(counter()("record", [1], { signal: AbortSignal.abort(new Error("late")) })).rejects.toThrow(
      "late",
    );
  });

  it("reports the death of the thread and starts a new one", async () => {
    const call = counter();
    await call("record", [1]);
    const death = await call("die", []).catch((error) => error);
    expect(death).toBeInstanceOf(UnSAMError);
    expect(death.code).toBe("E_RUNTIME");
    expect(await call("record", [2])).toEqual([2]);
  });

  it("never keeps the process alive while idle", () => {
    const script = `
      import { WorkerThread } from ${JSON.stringify(import.meta.resolve("#core/runtime/worker-thread.js"))};
      const call = new WorkerThread("test").bind(new URL(${JSON.stringify(new URL("./counter.worker.mjs", import.meta.url).href)}));
      console.log((await call("record", [1])).length);
    `;
    const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
      timeout: 20_000,
      encoding: "utf8",
      cwd: fileURLToPath(new URL(".", import.meta.url)),
    });
    expect(output.trim()).toBe("1");
  });
});
