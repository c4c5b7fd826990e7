import type { Tensor } from "../../tensor.js";

/** What is known of a stored tensor before it is read. */
export interface WeightInfo {
  readonly shape: readonly number[];
  /** How its elements are stored; left out: as float32. */
  readonly dtype?: string;
  /** false: its values cannot be read. */
  readonly isReadable?: boolean;
}

/** Where a model's tensors come from, under their official names. */
export interface WeightSource {
  readonly tensors: ReadonlyMap<string, WeightInfo>;
  /** float32, C order. */
  read(name: string): Promise<Tensor>;
}

/** Why a stored tensor cannot be a weight of a network, which are real numbers; null: it can. */
export function unfitForWeights({ dtype = "float32", isReadable = true }: WeightInfo): string | null {
  if (isReadable && /^b?float/.test(dtype)) return null;
  return isReadable
    ? `is stored as ${dtype}; whole numbers are weights of a quantised model, whose scales lie elsewhere`
    : `is stored as ${dtype}, which is not read here`;
}
