import { FormatError, quoted } from "../../format-error.js";
import { allowedGlobal } from "./allowed-globals.js";
import {
  AllowedGlobal,
  Inert,
  PickleDict,
  PickleList,
  PickleTuple,
  type PickleValue,
  StorageReference,
  UnknownObject,
} from "./pickle-values.js";

/**
 * The stack and memo of a pickle, and the few things opcodes do to them. Each operation takes time and memory in
 * proportion to what it takes off the stack, so a pickle costs no more than its length; shared values stay shared.
 */
export class PickleMachine {
  private readonly stack: PickleValue[] = [];
  /** Stack heights at the open MARKs; nothing below the last one can be taken. */
  private readonly marks: number[] = [];
  private readonly memo = new Map<number, PickleValue>();

  push(value: PickleValue): void {
    this.stack.push(value);
  }

  pop(): PickleValue {
    if (this.stack.length <= (this.marks.at(-1) ?? 0)) {
      throw new FormatError("its pickle takes from an empty stack.");
    }
    return this.stack.pop()!;
  }

  top(): PickleValue {
    const value = this.pop();
    this.stack.push(value);
    return value;
  }

  mark(): void {
    this.marks.push(this.stack.length);
  }

  /** Takes everything above the last MARK, and the mark itself. */
  popToMark(): PickleValue[] {
    const height = this.marks.pop();
    if (height === undefined) throw new FormatError("its pickle looks for a MARK that was never set.");
    return this.stack.splice(height);
  }

  /** POP also takes back a MARK with nothing above it. */
  popValueOrMark(): void {
    if (this.marks.at(-1) === this.stack.length) this.marks.pop();
    else this.pop();
  }

  pushTuple(length: number): void {
    const items = new Array<PickleValue>(length);
    for (let i = length - 1; i >= 0; i--) items[i] = this.pop();
    this.push(new PickleTuple(items));
  }

  remember(index = this.memo.size): void {
    this.memo.set(index, this.top());
  }

  recall(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) {
      throw new FormatError(`its pickle asks for memo entry ${index}, which was never set.`);
    }
    this.push(value);
  }

  append(items: readonly PickleValue[]): void {
    const list = this.top();
    if (list instanceof PickleList) for (const item of items) list.items.push(item);
    else if (!takesAnything(list)) {
      throw new FormatError("its pickle appends to something that is no list.");
    }
  }

  setItems(pairs: readonly PickleValue[]): void {
    if (pairs.length % 2 !== 0) throw new FormatError("its pickle has a dict key without a value.");
    const dict = this.top();
    if (dict === Inert.instance) return;
    if (!(dict instanceof PickleDict)) {
      throw new FormatError("its pickle sets a key of something that is no dict.");
    }
    for (let i = 0; i < pairs.length; i += 2) dict.set(pairs[i]!, pairs[i + 1]!);
  }

  addToSet(): void {
    this.popToMark();
    if (!takesAnything(this.top())) throw new FormatError("its pickle adds to something that is no set.");
  }

  pushGlobal(module: PickleValue, name: PickleValue): void {
    const known =
      typeof module === "string" && typeof name === "string" ? allowedGlobal(module, name) : undefined;
    if (known === undefined) {
      throw new FormatError(
        `its pickle refers to ${nameOf(module)}.${nameOf(name)}, which weights do not need; nothing of it was run. ` +
          `If you trust the file, load it in PyTorch and save only its weights: torch.save({"model": state_dict}, path).`,
      );
    }
    this.push(known);
  }

  /** REDUCE, NEWOBJ and NEWOBJ_EX: calls the meaning we give a global, never anything else. */
  call(): void {
    const args = this.pop();
    const callable = this.pop();
    if (!(callable instanceof AllowedGlobal) || !(args instanceof PickleTuple)) {
      throw new FormatError("its pickle calls something that is no function.");
    }
    const result = callable.call(args.items);
    if (result === undefined) {
      throw new FormatError(`its pickle calls ${callable.name} with arguments it cannot take.`);
    }
    this.push(result);
  }

  /** BUILD sets attributes. A state dict carries `_metadata` (versions of its modules), which says nothing of weights. */
  build(): void {
    const state = this.pop();
    const target = this.top();
    if (takesAnything(target)) return;
    if (target instanceof PickleDict && target.isOrdered && state instanceof PickleDict) {
      const attributes = [...state.entries()];
      if (attributes.length === 0 || (attributes.length === 1 && attributes[0]![0] === "_metadata")) return;
    }
    throw new FormatError("its pickle sets attributes of an object that has none here.");
  }

  /** torch.save's persistent ids: `("storage", class, key, location, element count)`. The location is ignored. */
  pushStorage(): void {
    const id = this.pop();
    const [kind, storageClass, key, , elementCount] = id instanceof PickleTuple ? id.items : [];
    if (
      kind !== "storage" ||
      !(storageClass instanceof AllowedGlobal) ||
      storageClass.dtype === null ||
      typeof key !== "string" ||
      elementCount === undefined
    ) {
      throw new FormatError("its pickle has a persistent id that is no tensor storage.");
    }
    this.push(new StorageReference(key, storageClass.dtype, elementCount));
  }
}

/** What objects that we do not look into are made of: attributes, items of lists and sets are dropped. */
function takesAnything(value: PickleValue): boolean {
  return value === Inert.instance || value instanceof UnknownObject;
}

function nameOf(part: PickleValue): string {
  if (typeof part !== "string") return "?";
  return /^[\w.]{1,120}$/.test(part) ? part : quoted(part);
}
