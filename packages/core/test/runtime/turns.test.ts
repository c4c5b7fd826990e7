import { describe, expect, it } from "vitest";
import { INTERACTIVE_IN_A_ROW, type Priority, Turns } from "#core/runtime/index.js";

/** Work that ends when it is told to. */
function gate<T = void>() {
  let open!: (value: T) => void;
  const opened = new Promise<T>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

describe("Turns", () => {
  it("runs one piece of work at a time, interactive before bulk", async () => {
    const turns = new Turns();
    const order: string[] = [];
    let running = 0;
    const first = gate();
    const work = (name: string, priority: Priority, until?: Promise<void>) =>
      turns.run(
        async () => {
          expect(++running).toBe(1);
          order.push(name);
          await until;
          await Promise.resolve();
          running--;
        },
        { priority },
      );
    const all = [
      work("b1", "bulk", first.opened),
      work("b2", "bulk"),
      work("i1", "interactive"),
      work("i2", "interactive"),
    ];
    first.open();
    await Promise.all(all);
    expect(order).toEqual(["b1", "i1", "i2", "b2"]);
  });

  it("lets bulk work have its share of a stream of clicks that never ends", async () => {
    const turns = new Turns();
    let isDone = false;
    let clicks = 0;
    const click = async (): Promise<void> => {
      if (isDone || clicks > 100) return;
      clicks++;
      await Promise.all([
        turns.run(async () => {}, { priority: "interactive" }).then(click),
        Promise.resolve(),
      ]);
    };
    const streams = [click(), click(), click()];
    await turns.run(
      async () => {
        isDone = true;
      },
      { priority: "bulk" },
    );
    expect(clicks).toBeLessThanOrEqual(2 * INTERACTIVE_IN_A_ROW);
    await Promise.all(streams);
  });

  it("never starts work that was aborted while it waited", async () => {
    const turns = new Turns();
    const first = gate();
    const running = turns.run(() => first.opened, { priority: "bulk" });
    const abort = new AbortController();
    let started = false;
    const waiting = turns.run(
      async () => {
        started = true;
      },
      { priority: "bulk", signal: abort.signal },
    );
    abort.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    first.open();
    await running;
    await turns.run(async () => {}, { priority: "bulk" });
    expect(started).toBe(false);
  });

  it("lets go of work that is aborted under way, discards its late result, and keeps its turn until then", async () => {
    const turns = new Turns();
    const abort = new AbortController();
    const late = gate<number>();
    const discarded: number[] = [];
    const running = turns.run(() => late.opened, {
      priority: "bulk",
      signal: abort.signal,
      discard: (result) => discarded.push(result),
    });
    await Promise.resolve();
    abort.abort(new Error("enough"));
    await expect(running).rejects.toThrow("enough");
    let isNext = false;
    const next = turns.run(
      async () => {
        isNext = true;
      },
      { priority: "interactive" },
    );
    await new Promise(setImmediate);
    expect([isNext, discarded]).toEqual([false, []]);
    late.open(7);
    await next;
    expect([isNext, discarded]).toEqual([true, [7]]);
  });

  it("goes on after errors, thrown at once or later", async () => {
    const turns = new Turns();
    const failing = [
      turns.run(
        () => {
          throw new Error("at once");
        },
        { priority: "bulk" },
      ),
      turns.run(() => Promise.reject(new Error("later")), { priority: "bulk" }),
    ];
    const results = await Promise.allSettled(failing);
    expect(results.map((result) => (result as PromiseRejectedResult).reason.message)).toEqual([
      "at once",
      "later",
    ]);
    expect(await turns.run(async () => 5, { priority: "bulk" })).toBe(5);
  });

  it("refuses work whose signal is aborted already", async () => {
    const signal = AbortSignal.abort(new Error("late"));
    await expect(new Turns().run(async () => 1, { priority: "bulk", signal })).rejects.toThrow("late");
  });
});
