/** As much of JSON Schema as the service's description uses. */
export interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly format?: string;
}

/** A generator of pseudo-random numbers in [0, 1): mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const ODD: readonly unknown[] = [
  ...[null, true, "", "auto", "\u0000", "x".repeat(3000), "../../etc/passwd", "<script>", "💥"],
  ...[0, -1, 0.5, 1e9, -1e300, 2 ** 53, Number.MIN_VALUE],
  ...[[], [[]], {}, { a: {} }, { __proto__: 1 }, [1, 2, 3], [[1e9, 1e9]], [[-1, 2, 7]]],
];

/** Values that fit a schema, and, with probability `oddity` at each place, values that may not. */
export class RequestMaker {
  readonly #random: () => number;
  readonly #oddity: number;

  constructor(random: () => number, oddity: number) {
    this.#random = random;
    this.#oddity = oddity;
  }

  value(schema: Schema): unknown {
    if (this.#random() < this.#oddity) return this.pick(ODD);
    if (schema.const !== undefined) return schema.const;
    if (schema.enum) return this.pick(schema.enum);
    if (schema.anyOf) return this.value(this.pick(schema.anyOf));
    if (schema.type === "object") return this.#object(schema);
    if (schema.type === "array") return this.#array(schema);
    if (schema.type === "integer" || schema.type === "number") return this.#number(schema);
    if (schema.type === "boolean") return this.#random() < 0.5;
    if (schema.type === "null") return null;
    return this.pick(["", "fine", "0", "RRi27\\:5", "PPYo1"]);
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)];
  }

  #object({ properties = {}, required = [] }: Schema): object {
    const entries = Object.entries(properties)
      .filter(([name]) => required.includes(name) || this.#random() < 0.4)
      .map(([name, schema]) => [name, this.value(schema)]);
    if (this.#random() < this.#oddity) entries.push([this.pick(["extra", "constructor", "signal"]), 1]);
    return Object.fromEntries(entries);
  }

  #array({ items = {}, minItems = 0, maxItems = 1000 }: Schema): unknown[] {
    const most = Math.min(maxItems, minItems + 3);
    const length = minItems + Math.floor(this.#random() * (most - minItems + 1));
    return Array.from({ length }, () => this.value(items));
  }

  #number({ minimum = 0, maximum = 70, type }: Schema): number {
    const value = minimum + this.#random() * (Math.min(maximum, 70) - minimum);
    return type === "integer" ? Math.round(value) : value;
  }
}
