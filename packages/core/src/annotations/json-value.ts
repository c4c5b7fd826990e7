import { shownValue, UnSAMError } from "../errors.js";
import type { PolygonPoint } from "../mask/index.js";

/** Beyond this coordinate the arithmetic of outlines is no longer exact to a pixel. */
const FARTHEST = 1e9;
const SIDE_MOST = 2 ** 31 - 1;

/** A value of an untrusted JSON file with its place in it, which errors name: `“a.json”: shapes[3].label`. */
export class JsonValue {
  readonly value: unknown;
  readonly where: string;

  constructor(value: unknown, where: string) {
    this.value = value;
    this.where = where;
  }

  /** A field of an object; its value is undefined where it is missing. Throws `E_BAD_FILE` where this is no object. */
  at(key: string): JsonValue {
    const { value } = this;
    if (typeof value !== "object" || value === null || Array.isArray(value)) this.refuse("an object");
    const own = Object.hasOwn(value as object, key);
    return new JsonValue(
      own ? (value as Record<string, unknown>)[key] : undefined,
      `${this.where}${this.where.endsWith(":") ? " " : "."}${key}`,
    );
  }

  get isMissing(): boolean {
    return this.value === undefined || this.value === null;
  }

  /** The values of a list; no values where the list is missing and may be. */
  items({ optional = false } = {}): JsonValue[] {
    if (optional && this.isMissing) return [];
    return this.list("a list").map((value, k) => new JsonValue(value, `${this.where}[${k}]`));
  }

  text(): string {
    return typeof this.value === "string" ? this.value : this.refuse("a text");
  }

  textOr(otherwise: string): string {
    return this.isMissing ? otherwise : this.text();
  }

  number(): number {
    const { value } = this;
    return typeof value === "number" && Math.abs(value) <= FARTHEST ? value : this.refuse("a number");
  }

  numberOrNull(): number | null {
    return this.isMissing ? null : this.number();
  }

  /** A side of an image in pixels. */
  side(): number {
    const { value } = this;
    if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= SIDE_MOST)
      return value as number;
    return this.refuse("a size in pixels");
  }

  /** Points [x, y], at least `least`. */
  points(least: number): PolygonPoint[] {
    const list = this.list("a list of points [x, y]");
    if (list.length < least) this.refuse(`at least ${least} points`);
    return list.map((point, k) => {
      const sound =
        Array.isArray(point) &&
        point.length >= 2 &&
        [point[0], point[1]].every((side) => typeof side === "number" && Math.abs(side) <= FARTHEST);
      return sound
        ? [point[0], point[1]]
        : new JsonValue(point, `${this.where}[${k}]`).refuse("a point [x, y]");
    });
  }

  /** Points of a list x0, y0, x1, y1, … */
  flatPoints(least: number): PolygonPoint[] {
    const list = this.list("a list of coordinates");
    if (list.length % 2 !== 0 || list.length < 2 * least) {
      this.refuse(`x0, y0, x1, y1 … of at least ${least} points`);
    }
    return Array.from({ length: list.length / 2 }, (_, k): PolygonPoint => {
      const [x, y] = [2 * k, 2 * k + 1].map((i) => new JsonValue(list[i], `${this.where}[${i}]`).number());
      return [x, y];
    });
  }

  list(what: string): readonly unknown[] {
    return Array.isArray(this.value) ? this.value : this.refuse(what);
  }

  /** Throws `E_BAD_FILE`: this is not what it must be. */
  refuse(what: string): never {
    const found = this.value === undefined ? "missing" : shownValue(this.value);
    throw new UnSAMError("E_BAD_FILE", `${this.where} is ${found}; it must be ${what}.`);
  }
}
