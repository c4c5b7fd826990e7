import { FormatError } from "../../format-error.js";
import { PickleMachine } from "./pickle-machine.js";
import { PickleReader } from "./pickle-reader.js";
import { Inert, PickleDict, PickleList, PickleTuple, type PickleValue } from "./pickle-values.js";

/** About 38 opcodes describe a tensor: this is room for 25 000. It bounds the memory a pickle can take. */
const maximumOpcodes = 1_000_000;
/** Opcodes between two turns of the event loop: about a millisecond. */
const opcodesPerTurn = 5_000;

type Step = (machine: PickleMachine, reader: PickleReader) => void;

const stop = 0x2e;

/**
 * The binary opcodes of protocols 2 to 5 (Python's `pickletools` documents them). Missing on purpose: the text opcodes
 * of protocol 0, extension codes and out-of-band buffers, which torch.save never writes.
 */
const steps = new Map<number, Step>([
  [0x80, (_, reader) => checkProtocol(reader.uint8())], // PROTO
  [0x95, (_, reader) => reader.skip(8)], // FRAME: a hint for buffering
  [0x28, (machine) => machine.mark()], // MARK
  [0x30, (machine) => machine.popValueOrMark()], // POP
  [0x31, (machine) => machine.popToMark()], // POP_MARK
  [0x32, (machine) => machine.push(machine.top())], // DUP

  [0x4e, (machine) => machine.push(null)], // NONE
  [0x88, (machine) => machine.push(true)], // NEWTRUE
  [0x89, (machine) => machine.push(false)], // NEWFALSE
  [0x4a, (machine, reader) => machine.push(reader.int32())], // BININT
  [0x4b, (machine, reader) => machine.push(reader.uint8())], // BININT1
  [0x4d, (machine, reader) => machine.push(reader.uint16())], // BININT2
  [0x8a, (machine, reader) => machine.push(reader.integer(reader.uint8()))], // LONG1
  [0x47, (machine, reader) => machine.push(reader.float64BigEndian())], // BINFLOAT
  [0x8c, (machine, reader) => machine.push(reader.text(reader.uint8()))], // SHORT_BINUNICODE
  [0x58, (machine, reader) => machine.push(reader.text(reader.uint32()))], // BINUNICODE
  [0x8d, (machine, reader) => machine.push(reader.text(reader.length64()))], // BINUNICODE8
  [0x55, (machine, reader) => machine.push(reader.text(reader.uint8()))], // SHORT_BINSTRING (Python 2's str)
  [0x54, (machine, reader) => machine.push(reader.text(reader.uint32()))], // BINSTRING
  [0x43, (machine, reader) => pushBytes(machine, reader, reader.uint8())], // SHORT_BINBYTES
  [0x42, (machine, reader) => pushBytes(machine, reader, reader.uint32())], // BINBYTES
  [0x8e, (machine, reader) => pushBytes(machine, reader, reader.length64())], // BINBYTES8
  [0x96, (machine, reader) => pushBytes(machine, reader, reader.length64())], // BYTEARRAY8

  [0x29, (machine) => machine.pushTuple(0)], // EMPTY_TUPLE
  [0x85, (machine) => machine.pushTuple(1)], // TUPLE1
  [0x86, (machine) => machine.pushTuple(2)], // TUPLE2
  [0x87, (machine) => machine.pushTuple(3)], // TUPLE3
  [0x74, (machine) => machine.push(new PickleTuple(machine.popToMark()))], // TUPLE
  [0x5d, (machine) => machine.push(new PickleList())], // EMPTY_LIST
  [0x61, (machine) => appendOne(machine)], // APPEND
  [0x65, (machine) => machine.append(machine.popToMark())], // APPENDS
  [0x7d, (machine) => machine.push(new PickleDict(false))], // EMPTY_DICT
  [0x73, (machine) => setOne(machine)], // SETITEM
  [0x75, (machine) => machine.setItems(machine.popToMark())], // SETITEMS
  [0x8f, (machine) => machine.push(Inert.instance)], // EMPTY_SET
  [0x90, (machine) => machine.addToSet()], // ADDITEMS
  [0x91, (machine) => pushFrozenSet(machine)], // FROZENSET

  [0x71, (machine, reader) => machine.remember(reader.uint8())], // BINPUT
  [0x72, (machine, reader) => machine.remember(reader.uint32())], // LONG_BINPUT
  [0x94, (machine) => machine.remember()], // MEMOIZE
  [0x68, (machine, reader) => machine.recall(reader.uint8())], // BINGET
  [0x6a, (machine, reader) => machine.recall(reader.uint32())], // LONG_BINGET

  [0x63, (machine, reader) => machine.pushGlobal(reader.line(), reader.line())], // GLOBAL
  [0x93, (machine) => pushStackGlobal(machine)], // STACK_GLOBAL
  [0x51, (machine) => machine.pushStorage()], // BINPERSID
  [0x52, (machine) => machine.call()], // REDUCE
  [0x81, (machine) => machine.call()], // NEWOBJ
  [0x92, (machine) => newObjectWithNames(machine)], // NEWOBJ_EX
  [0x62, (machine) => machine.build()], // BUILD
]);

/**
 * Builds the value a pickle describes, out of plain data. Nothing is imported or run: a global is a name on an
 * allow-list, and calling it runs our own constructor. Throws `FormatError`.
 */
export async function unpickle(bytes: Uint8Array, signal?: AbortSignal): Promise<PickleValue> {
  const machine = new PickleMachine();
  const reader = new PickleReader(bytes);
  for (let opcodes = 1; opcodes <= maximumOpcodes; opcodes++) {
    const at = reader.position;
    const opcode = reader.uint8();
    if (opcode === stop) return machine.pop();
    const step = steps.get(opcode);
    if (step === undefined) {
      throw new FormatError(
        `its pickle has the opcode 0x${opcode.toString(16)} at byte ${at}, which torch.save never writes.`,
      );
    }
    step(machine, reader);
    if (opcodes % opcodesPerTurn === 0) {
      await new Promise((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
    }
  }
  throw new FormatError(`its pickle has more than ${maximumOpcodes} opcodes.`);
}

function checkProtocol(protocol: number): void {
  if (protocol > 5) throw new FormatError(`its pickle has the unknown protocol ${protocol}.`);
}

function pushBytes(machine: PickleMachine, reader: PickleReader, length: number): void {
  reader.skip(length);
  machine.push(Inert.instance);
}

function appendOne(machine: PickleMachine): void {
  const item = machine.pop();
  machine.append([item]);
}

function setOne(machine: PickleMachine): void {
  const value = machine.pop();
  const key = machine.pop();
  machine.setItems([key, value]);
}

function pushFrozenSet(machine: PickleMachine): void {
  machine.popToMark();
  machine.push(Inert.instance);
}

/** Arguments given by name say nothing to a constructor of ours; the value is called as NEWOBJ would. */
function newObjectWithNames(machine: PickleMachine): void {
  machine.pop();
  machine.call();
}

function pushStackGlobal(machine: PickleMachine): void {
  const name = machine.pop();
  const module = machine.pop();
  machine.pushGlobal(module, name);
}
