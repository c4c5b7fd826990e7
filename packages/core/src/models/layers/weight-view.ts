import { UnSAMError } from "../../errors.js";
import type { LazyTensor } from "../../graph/index.js";
import type { Tensor } from "../../tensor.js";
import type { WeightSource } from "./weights.js";

/** How many wrong tensors a message names before it only counts them. */
const NAMED = 3;

/**
 * The tensors of a checkpoint as a model asks for them: by official name and expected shape. Asking reads nothing and
 * does not fail; `check` reports everything that was asked for and is not there.
 */
export class WeightView {
  readonly #source: WeightSource;
  readonly #asked = new Map<string, readonly number[]>();

  constructor(source: WeightSource) {
    this.#source = source;
  }

  has(name: string): boolean {
    return this.#source.tensors.has(name);
  }

  /** Shape in the file, or null. */
  shape(name: string): readonly number[] | null {
    return this.#source.tensors.get(name)?.shape ?? null;
  }

  get names(): Iterable<string> {
    return this.#source.tensors.keys();
  }

  /** Reads one tensor without asking for a shape. */
  read(name: string): Promise<Tensor> {
    return this.#source.read(name);
  }

  /** Every tensor asked for so far, with the shape it was asked for. */
  get required(): ReadonlyMap<string, readonly number[]> {
    return this.#asked;
  }

  tensor(name: string, shape: readonly number[]): LazyTensor {
    this.#asked.set(name, shape);
    return { name, shape, load: async () => (await this.#source.read(name)).data };
  }

  /** Throws `E_BAD_CHECKPOINT` naming the tensors that are missing or misshapen, with expected and found shape. */
  check(): void {
    const problems: string[] = [];
    for (const [name, expected] of this.#asked) {
      const found = this.shape(name);
      if (!found) problems.push(`${name} ${show(expected)} is missing`);
      else if (found.join() !== expected.join())
        problems.push(`${name} is ${show(found)} instead of ${show(expected)}`);
    }
    if (problems.length === 0) return;
    const more = problems.length - NAMED;
    throw new UnSAMError(
      "E_BAD_CHECKPOINT",
      `The checkpoint does not fit the model: ${problems.slice(0, NAMED).join("; ")}` +
        `${more > 0 ? `; and ${more} more of ${this.#asked.size} tensors` : ""}. ` +
        "Use the configuration the checkpoint was trained with, or a complete checkpoint.",
    );
  }
}

function show(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}
