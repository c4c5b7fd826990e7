import { UnSAMError } from "../../errors.js";
import type { LazyTensor } from "../../graph/index.js";
import type { Tensor } from "../../tensor.js";
import { unfitForWeights, type WeightSource } from "./weights.js";

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

  /** The same tensors with nothing asked for yet: for a part of a model that not everybody opens. */
  afresh(): WeightView {
    return new WeightView(this.#source);
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

  /** Whether there is such a tensor, of a kind whose values can be read. */
  isReadable(name: string): boolean {
    return this.#source.tensors.get(name)?.isReadable ?? this.has(name);
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

  /**
   * Throws `E_BAD_CHECKPOINT` naming the tensors that are missing, misshapen (with expected and found shape), or of a
   * kind that no weights have.
   */
  check(): void {
    const problems: string[] = [];
    const unread: string[] = [];
    for (const [name, expected] of this.#asked) {
      const found = this.shape(name);
      if (!found) problems.push(`${name} ${show(expected)} is missing`);
      else if (found.join() !== expected.join())
        problems.push(`${name} is ${show(found)} instead of ${show(expected)}`);
      else {
        const unfit = unfitForWeights(this.#source.tensors.get(name)!);
        if (unfit !== null) unread.push(`${name} ${unfit}`);
      }
    }
    if (unread.length > 0 && problems.length === 0) {
      throw new UnSAMError(
        "E_BAD_CHECKPOINT",
        `The model's weights cannot be used: ${few(unread, this.#asked.size)}. Convert them to float32 or float16 ` +
          "(dequantise them) and save them again.",
      );
    }
    if (problems.length === 0) return;
    throw new UnSAMError(
      "E_BAD_CHECKPOINT",
      `The checkpoint does not fit the model: ${few(problems, this.#asked.size)}. ` +
        "Use the configuration the checkpoint was trained with, or a complete checkpoint.",
    );
  }
}

function few(problems: readonly string[], asked: number): string {
  const more = problems.length - NAMED;
  const counted = more > 0 ? `; and ${more} more of ${asked} tensors` : "";
  return problems.slice(0, NAMED).join("; ") + counted;
}

function show(shape: readonly number[]): string {
  return `[${shape.join(", ")}]`;
}
