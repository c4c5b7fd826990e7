import { describe, expect, it } from "vitest";
import { PixelRoom, type Share } from "#core/admission/index.js";

/** Lets everything that can happen by itself happen. */
const settle = () => new Promise(setImmediate);

describe("PixelRoom", () => {
  it("lets in what fits, in the order of arrival, and counts the most", async () => {
    const room = new PixelRoom();
    const entered: string[] = [];
    const enter = (name: string, pixels: number) =>
      room.enter(pixels, 100).then((share) => {
        entered.push(name);
        return share;
      });
    const first = await enter("a", 60);
    const others = [enter("b", 50), enter("c", 10)];
    await settle();
    // c would fit, but b came first: small photos do not keep a large one out for ever.
    expect([entered, room.inFlight, room.waiting]).toEqual([["a"], 60, 2]);
    first.leave();
    const shares = await Promise.all(others);
    expect([entered, room.inFlight, room.peak]).toEqual([["a", "b", "c"], 60, 60]);
    for (const share of shares) share.leave();
    expect(room.inFlight).toBe(0);
  });

  it("lets a photo in alone that is larger than all the room", async () => {
    const room = new PixelRoom();
    const small = await room.enter(1, 100);
    let large: Share | null = null;
    const entering = room.enter(1000, 100).then((share) => {
      large = share;
    });
    await settle();
    expect(large).toBeNull();
    small.leave();
    await entering;
    expect(room.inFlight).toBe(1000);
    let isNext = false;
    const next = room.enter(1, 100).then((share) => {
      isNext = true;
      share.leave();
    });
    await settle();
    expect(isNext).toBe(false);
    large!.leave();
    await next;
    expect(room.inFlight).toBe(0);
  });

  it("forgets who gives up, and goes on with those behind", async () => {
    const room = new PixelRoom();
    const first = await room.enter(60, 100);
    const abort = new AbortController();
    const large = room.enter(100, 100, abort.signal);
    const small = room.enter(10, 100);
    abort.abort(new Error("enough"));
    await expect(large).rejects.toThrow("enough");
    (await small).leave();
    first.leave();
    expect([room.inFlight, room.waiting]).toEqual([0, 0]);
    await expect(room.enter(1, 100, AbortSignal.abort(new Error("late")))).rejects.toThrow("late");
    expect(room.inFlight).toBe(0);
  });

  it("takes back what was given, once, also where it grew", async () => {
    const room = new PixelRoom();
    const share = await room.enter(10, 100);
    share.grow(150);
    share.grow(20);
    expect([room.inFlight, room.peak]).toEqual([150, 150]);
    share.leave();
    share.leave();
    share.grow(7);
    expect(room.inFlight).toBe(0);
  });
});
