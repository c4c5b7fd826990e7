import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { UnSAMError } from "@unsam/core/errors";
import { describe, expect, it } from "vitest";
import {
  CallLimit,
  type GroupOptions,
  type Handle,
  INTERACTIVE_IN_A_ROW,
  type Kept,
  type Priority,
  ThreadGroup,
} from "#core/runtime/index.js";

interface Named {
  readonly name: string;
}

interface Counter {
  record(value: number | string): (number | string)[];
  where(): number;
  sleep(milliseconds: number): Promise<number>;
  meet(cells: Int32Array): boolean;
  holdUntil(cells: Int32Array): string;
  goOn(cells: Int32Array): void;
  firstOf(array: Float32Array): number;
  fail(message: string): void;
  failAs(url: string, code: string, message: string): Promise<void>;
  failSilently(): void;
  unsendable(): unknown;
  moveTwice(): unknown;
  die(): void;
  dieOfUncaught(message: string): void;
  open(name: string): Kept<Named>;
  openSlowly(name: string, milliseconds: number): Promise<{ counter: Kept<Named>; length: number }>;
  nameOf(counter: Named): string;
  both(a: Named, b: Named): string[];
  nameLater(counter: Named, milliseconds: number): Promise<string[]>;
  releasedNames(): string[];
}

const failure = (call: Promise<unknown>) =>
  call.then(
    () => null,
    (error) => error,
  );

const module = new URL("./counter.worker.mjs", import.meta.url);

function counter(options: GroupOptions = { size: 1 }, priority: Priority = "bulk") {
  return new ThreadGroup("test", options).bind<Counter>(module, priority);
}

function cell(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4));
}

/** Lets go of a thread that `holdUntil` holds. */
function free(cells: Int32Array): void {
  Atomics.store(cells, 0, 1);
  Atomics.notify(cells, 0);
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((done) => setTimeout(done, 2));
}

describe("calls of a ThreadGroup", () => {
  it("run elsewhere, in order, and keep the module's state", async () => {
    const call = counter();
    const lists = await Promise.all([1, 2, 3].map((value) => call("record", [value])));
    expect(lists).toEqual([[1], [1, 2], [1, 2, 3]]);
    expect(await call("where", [])).toBeGreaterThan(0);
  });

  it("move buffers instead of copying them", async () => {
    const array = Float32Array.of(2.5, 1);
    expect(await counter()("firstOf", [array], { transfer: [array.buffer] })).toBe(2.5);
    expect(array.length).toBe(0);
  });

  it("hand errors over with their message", async () => {
    await expect(counter()("fail", ["no such thing"])).rejects.toThrow("no such thing");
  });

  it("tell an error of another copy of the package by its code", async () => {
    const copy = import.meta.resolve("#core/errors.js?thread");
    const error = await failure(counter()("failAs", [copy, "E_BAD_FILE", "damaged"]));
    expect(error).toBeInstanceOf(UnSAMError);
    expect(error).toMatchObject({ code: "E_BAD_FILE", message: "damaged" });
  });

  it("never hand an error over without a reason", async () => {
    expect((await failure(counter()("failSilently", []))).message).not.toBe("");
  });

  it("say so when an argument cannot cross, and go on working", async () => {
    const call = counter();
    const others = call("record", [1]);
    const error = await failure(call("record", [(() => 1) as unknown as number]));
    expect(error).toBeInstanceOf(UnSAMError);
    expect(error).toMatchObject({ code: "E_RUNTIME", message: expect.stringMatching(/could not be cloned/) });
    expect(await others).toEqual([1]);
    expect(await call("record", [2])).toEqual([1, 2]);
  });

  it.each([
    ["unsendable", /^The result of unsendable could not be sent back: .*could not be cloned\.$/],
    // Node 20 sends it, and fails to read it.
    [
      "moveTwice",
      /^(The result of moveTwice could not be sent back|An answer of the test thread could not be read): .+\.$/,
    ],
  ] as const)(
    "say so when a result cannot cross, and keep the thread and its state: %s",
    async (name, message) => {
      const call = counter();
      await call("record", [1]);
      const error = await failure(call(name, []));
      expect(error).toBeInstanceOf(UnSAMError);
      expect(error).toMatchObject({ code: "E_RUNTIME", message: expect.stringMatching(message) });
      expect(await call("record", [2])).toEqual([1, 2]);
    },
  );

  it("tell the reason of an error that nobody caught", async () => {
    const call = counter();
    const error = await failure(call("dieOfUncaught", ["cannot move it"]));
    expect(error).toMatchObject({
      code: "E_RUNTIME",
      message: "The test thread stopped: cannot move it. Load the model again.",
    });
    expect(await call("record", [2])).toEqual([2]);
  });

  it("name the kind of an error that nobody caught and that says nothing", async () => {
    const error = await failure(counter()("dieOfUncaught", [""]));
    expect(error.message).toBe("The test thread stopped: DataCloneError. Load the model again.");
  });

  it("refuse a signal that is aborted already", async () => {
    await expect(counter()("record", [1], { signal: AbortSignal.abort(new Error("late")) })).rejects.toThrow(
      "late",
    );
  });

  it("leave the line when they are aborted, without being run", async () => {
    const call = counter();
    const first = call("sleep", [50]);
    const abort = new AbortController();
    const second = call("record", [1], { signal: abort.signal });
    abort.abort(new Error("enough"));
    await expect(second).rejects.toThrow("enough");
    await first;
    expect(await call("record", [2])).toEqual([2]);
  });

  it("are let go of when they are aborted under way, and end early where they ask", async () => {
    const call = counter();
    const cells = cell();
    const abort = new AbortController();
    const running = call("goOn", [cells], { signal: abort.signal });
    await until(() => Atomics.load(cells, 0) === 1);
    abort.abort(new Error("enough"));
    await expect(running).rejects.toThrow("enough");
    expect(await call("record", [1])).toEqual(["The caller has given up.", 1]);
  });
});

describe("the order of calls", () => {
  it("is interactive first, while the one under way ends undisturbed", async () => {
    const call = counter();
    const cells = cell();
    const held = call("holdUntil", [cells]);
    const all = [
      call("record", ["b1"]),
      call("record", ["b2"]),
      call("record", ["i1"], { priority: "interactive" }),
      call("record", ["i2"], { priority: "interactive" }),
    ];
    free(cells);
    await held;
    expect((await Promise.all(all))[1]).toEqual(["i1", "i2", "b1", "b2"]);
  });

  it("gives bulk calls a share of a stream of clicks that never ends", async () => {
    const call = counter();
    let clicks = 0;
    let isDone = false;
    const stream = async () => {
      while (!isDone && clicks < 500) {
        clicks++;
        await call("where", [], { priority: "interactive" });
      }
    };
    const streams = [stream(), stream(), stream()];
    await call("where", []);
    isDone = true;
    expect(clicks).toBeLessThanOrEqual(2 * INTERACTIVE_IN_A_ROW);
    await Promise.all(streams);
  });
});

describe("threads of a ThreadGroup", () => {
  it("work side by side", async () => {
    const call = counter({ size: 2 });
    const cells = cell();
    expect(await Promise.all([call("meet", [cells]), call("meet", [cells])])).toEqual([true, true]);
  });

  it("are not more than asked for", async () => {
    const call = counter({ size: 2 });
    const ids = await Promise.all(Array.from({ length: 8 }, () => call("sleep", [5])));
    expect(new Set(ids).size).toBe(2);
  });

  it("run only so many calls that share a limit", async () => {
    const call = counter({ size: 2 });
    const limit = new CallLimit(1);
    const cells = cell();
    const held = call("holdUntil", [cells], { limit });
    const waiting = call("record", ["waited"], { limit });
    // The other thread is free, but not for these.
    expect(await call("record", ["at once"])).toEqual(["at once"]);
    free(cells);
    await held;
    await waiting;
    expect(limit.running).toBe(0);
    await expect(call("fail", ["x"], { limit })).rejects.toThrow("x");
    await call("where", [], { limit });
  });

  it("keep one back for interactive calls", async () => {
    const call = counter({ size: 1, reserved: true });
    const cells = cell();
    const held = call("holdUntil", [cells]);
    const queued = call("record", ["bulk"]);
    expect(await call("record", ["click"], { priority: "interactive" })).toEqual(["click"]);
    free(cells);
    await held;
    expect(await queued).toEqual(["bulk"]);
  });

  it("answer on the thread where something is kept, while bulk work runs on the other", async () => {
    const call = counter({ size: 1, reserved: true });
    const image = await call("open", ["image"], { priority: "interactive", reserved: true });
    const cells = cell();
    const held = call("holdUntil", [cells]);
    expect(await call("nameOf", [image], { priority: "interactive" })).toBe("image");
    // Bulk work on what is kept there is done there.
    expect(await call("nameOf", [image])).toBe("image");
    free(cells);
    await held;
  });

  it("are started again after one died; who worked there or had something there is told", async () => {
    const call = counter();
    const kept = await call("open", ["a"]);
    const death = call("die", []).catch((error) => error);
    const next = call("record", [2]);
    expect(await death).toBeInstanceOf(UnSAMError);
    expect(await death).toMatchObject({
      code: "E_RUNTIME",
      message: expect.stringMatching(/stopped: it exited with code 3\./),
    });
    expect(await next).toEqual([2]);
    await call("open", ["b"]);
    // Not the b of the new thread, which has the same number there.
    await expect(call("nameOf", [kept])).rejects.toMatchObject({ code: "E_RUNTIME" });
    await kept.release();
    expect(await call("releasedNames", [])).toEqual([]);
  });

  it("never keep the process alive while idle", () => {
    const script = `
      import { ThreadGroup } from ${JSON.stringify(import.meta.resolve("#core/runtime/index.js"))};
      const call = new ThreadGroup("test", { size: 1 }).bind(new URL(${JSON.stringify(module.href)}), "bulk");
      const kept = await call("open", ["a"]);
      console.log((await call("record", [1])).length, await kept.release());
    `;
    const output = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
      timeout: 20_000,
      encoding: "utf8",
      cwd: fileURLToPath(new URL(".", import.meta.url)),
    });
    expect(output.trim()).toBe("1 undefined");
  });
});

describe("what is kept on a thread", () => {
  it("is given to calls by its handle, alone or as a field of a result", async () => {
    const call = counter({ size: 2 });
    const a = await call("open", ["a"]);
    const { counter: b, length } = await call("openSlowly", ["bb", 1]);
    expect([await call("nameOf", [a]), await call("nameOf", [b]), length]).toEqual(["a", "bb", 2]);
  });

  it("cannot be used after its release, which says what it was", async () => {
    const call = counter();
    const a = await call("open", ["a"]);
    await a.release();
    await a.release();
    await expect(call("nameOf", [a])).rejects.toMatchObject({ code: "E_DISPOSED", message: "a is closed." });
    expect(await call("releasedNames", [])).toEqual(["a"]);
  });

  it("is released at once for whoever waits, and after the call that uses it", async () => {
    const call = counter();
    const a = await call("open", ["a"]);
    const running = call("nameLater", [a, 30]);
    const waiting = call("nameOf", [a]);
    const releasing = a.release();
    expect(a.released).toBe(true);
    expect(await running).toEqual(["a"]);
    await expect(waiting).rejects.toMatchObject({ code: "E_DISPOSED" });
    await releasing;
    expect(await call("releasedNames", [])).toEqual(["a"]);
  });

  it("is released where its caller has given up", async () => {
    const call = counter();
    const abort = new AbortController();
    const opening = call("openSlowly", ["late", 40], { signal: abort.signal });
    setTimeout(() => abort.abort(new Error("enough")), 10);
    await expect(opening).rejects.toThrow("enough");
    await call("sleep", [60]);
    expect(await call("releasedNames", [])).toEqual(["late"]);
  });

  it("is refused together with something from another thread", async () => {
    const call = counter({ size: 2 });
    const opened: Handle<Named>[] = [];
    while (new Set(opened.map(({ home }) => home)).size < 2) {
      opened.push(
        ...(await Promise.all([call("openSlowly", ["a", 20]), call("openSlowly", ["b", 20])])).map(
          ({ counter: one }) => one,
        ),
      );
    }
    const [a, b] = [opened[0], opened.find(({ home }) => home !== opened[0].home)!];
    await expect(call("both", [a, b])).rejects.toThrow("handles of one thread");
    await Promise.all(opened.map((handle) => handle.release()));
  });
});
