import { FormatError, quoted } from "../format-error.js";
import { maximumTensors } from "../stored-tensor.js";
import {
  ForeignTensor,
  PickleDict,
  PickleList,
  PickleTuple,
  type PickleValue,
  TensorView,
  UnknownObject,
} from "./pickle/pickle-values.js";

/** Keys above a tensor at most. A training checkpoint nests three or four. */
const deepest = 12;
/** Entries looked at in all. Shared dicts are walked once for each path, so a short pickle could hold any number of paths. */
const maximumEntries = 2_000_000;
/** Entries between two turns of the event loop: about a millisecond. */
const entriesPerTurn = 20_000;

/**
 * Every tensor below dicts and lists, under its path: keys joined with dots, as `model.image_encoder.…`. Keys that are no
 * strings and what lies below them (the state of an optimizer) are passed over, and so is everything that is no tensor.
 */
export async function collectTensors(
  root: PickleValue,
  signal?: AbortSignal,
): Promise<Map<string, TensorView | ForeignTensor>> {
  if (!(root instanceof PickleDict)) throw notADict(root);
  const tensors = new Map<string, TensorView | ForeignTensor>();
  const objects = new Set<string>();
  const open: { readonly value: PickleDict | PickleList | PickleTuple; readonly path: readonly string[] }[] =
    [{ value: root, path: [] }];
  let entries = 0;
  for (let next = open.pop(); next; next = open.pop()) {
    const { value: container, path } = next;
    const below: typeof open = [];
    for (const [key, value] of entriesOf(container)) {
      if (++entries > maximumEntries) {
        throw new FormatError(`its dicts hold one another in more than ${maximumEntries} places.`);
      }
      if (entries % entriesPerTurn === 0) {
        await new Promise((resolve) => setImmediate(resolve));
        signal?.throwIfAborted();
      }
      if (value instanceof TensorView || value instanceof ForeignTensor) add([...path, key].join("."), value);
      else if (isContainer(value) && path.length < deepest) below.push({ value, path: [...path, key] });
      if (value instanceof UnknownObject && objects.size < 3) objects.add(value.className);
    }
    // The last is taken first: so the order of the file is kept.
    open.push(...below.reverse());
  }
  if (tensors.size === 0) throw noTensors(objects);
  return tensors;

  function add(name: string, value: TensorView | ForeignTensor): void {
    if (tensors.has(name)) throw new FormatError(`it holds two tensors named ${quoted(name)}.`);
    if (tensors.size === maximumTensors)
      throw new FormatError(`it holds more than ${maximumTensors} tensors.`);
    tensors.set(name, value);
  }
}

function* entriesOf(container: PickleDict | PickleList | PickleTuple): Iterable<[string, PickleValue]> {
  if (container instanceof PickleDict) {
    for (const [key, value] of container.entries()) if (typeof key === "string") yield [key, value];
  } else for (const [index, value] of container.items.entries()) yield [`${index}`, value];
}

function isContainer(value: PickleValue): value is PickleDict | PickleList | PickleTuple {
  return value instanceof PickleDict || value instanceof PickleList || value instanceof PickleTuple;
}

function notADict(root: PickleValue): FormatError {
  const what = root instanceof TensorView || root instanceof ForeignTensor ? "a single tensor" : "no dict";
  return new FormatError(`its pickle holds ${what}, where a state dict is needed.`);
}

function noTensors(objects: ReadonlySet<string>): FormatError {
  if (objects.size === 0) return new FormatError("it holds no tensors.");
  return new FormatError(
    `it holds no tensors, but objects of ${[...objects].join(", ")}: perhaps a whole model was saved, whose classes are not ` +
      "loaded here. Save its weights alone: torch.save(model.state_dict(), path).",
  );
}
