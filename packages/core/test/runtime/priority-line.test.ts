import { describe, expect, it } from "vitest";
import { INTERACTIVE_IN_A_ROW, type Priority, PriorityLine } from "#core/runtime/index.js";

interface Entry {
  readonly name: string;
  readonly priority: Priority;
}

function lineOf(...names: string[]) {
  const line = new PriorityLine<Entry>();
  for (const name of names) line.add(entry(name));
  return line;
}

/** Names that begin with b are bulk. */
function entry(name: string): Entry {
  return { name, priority: name.startsWith("b") ? "bulk" : "interactive" };
}

function takeAll(line: PriorityLine<Entry>, fits?: (entry: Entry) => boolean): string[] {
  const server = { passed: 0 };
  const names: string[] = [];
  for (let next = line.take(server, fits); next; next = line.take(server, fits)) names.push(next.name);
  return names;
}

describe("PriorityLine", () => {
  it("lets interactive work go first, and within each kind whoever came first", () => {
    expect(takeAll(lineOf("b1", "b2", "i1", "b3", "i2"))).toEqual(["i1", "i2", "b1", "b2", "b3"]);
  });

  it("gives bulk work a turn after eight interactive ones, however many there are", () => {
    const line = lineOf("b1", "b2");
    const server = { passed: 0 };
    const order: string[] = [];
    // A stream of clicks that never ends: one more comes for each that is taken.
    for (let i = 0; i < 3 * INTERACTIVE_IN_A_ROW; i++) {
      line.add(entry(`i${i}`));
      line.add(entry(`i${i}+`));
      order.push(line.take(server)!.name);
    }
    const places = order.flatMap((name, place) => (name.startsWith("b") ? [place] : []));
    expect(places).toEqual([INTERACTIVE_IN_A_ROW, 2 * INTERACTIVE_IN_A_ROW + 1]);
  });

  it("counts interactive work only while bulk work waits that the server could do", () => {
    const line = lineOf("b1");
    const server = { passed: 0 };
    const notBulk = ({ priority }: Entry) => priority === "interactive";
    for (let i = 0; i < 3 * INTERACTIVE_IN_A_ROW; i++) {
      line.add(entry("i"));
      expect(line.take(server, notBulk)?.name).toBe("i");
    }
    line.add(entry("last click"));
    expect(line.take(server)?.name).toBe("last click");
    expect(line.take(server)?.name).toBe("b1");
  });

  it("keeps the shares of two servers apart", () => {
    const line = new PriorityLine<Entry>();
    const [first, second] = [{ passed: 0 }, { passed: 0 }];
    const mine = ({ name }: Entry) => name !== "b for the second";
    line.add(entry("b for the second"));
    let place = 0;
    for (let i = 0; i < 20; i++) {
      line.add(entry("i"));
      line.add(entry("b"));
      line.add(entry("i"));
      line.take(first, mine);
      if (line.take(second)?.name === "b for the second") place = i;
    }
    expect(place).toBe(INTERACTIVE_IN_A_ROW);
  });

  it("passes over entries that do not fit, without losing them", () => {
    const line = lineOf("i1", "b1", "i2");
    expect(takeAll(line, ({ name }) => name !== "i1")).toEqual(["i2", "b1"]);
    expect(takeAll(line)).toEqual(["i1"]);
  });

  it("lets entries leave, once", () => {
    const line = new PriorityLine<Entry>();
    const [first, second] = [entry("b1"), entry("b2")];
    line.add(first);
    line.add(second);
    expect([line.remove(first), line.remove(first), line.length]).toEqual([true, false, 1]);
    expect(takeAll(line)).toEqual(["b2"]);
    expect(line.remove(second)).toBe(false);
  });
});
