import type { NativeBinding } from "@unsam/native-cuda";
import { typed } from "./native-errors.js";

/**
 * A computation with two implementations that give the same bits. TypeScript's is the reference and runs where there is
 * no addon; the addon's has the same name among its `operations`.
 */
export interface Operation<Args extends readonly unknown[], Result> {
  /** Blocks the thread it runs on: for workers. */
  typescript(...args: Args): Result;
  /** The arguments of the addon's function. It reads (copies) them before it returns and works on threads of its own. */
  native(args: Args, threads: number): readonly unknown[];
}

/** Helps inference of the two type parameters. */
export function operation<Args extends readonly unknown[], Result>(
  both: Operation<Args, Result>,
): Operation<Args, Result> {
  return both;
}

/** A table of operations, as a caller sees them. */
export type Callable<Table> = {
  readonly [Name in keyof Table]: Table[Name] extends Operation<infer Args, infer Result>
    ? (...args: Args) => Promise<Result>
    : never;
};

/** The operations of a table on the addon, with so many threads a call; null: in TypeScript, on the calling thread. */
export function bindOperations<Table extends Readonly<Record<string, Operation<never, unknown>>>>(
  table: Table,
  binding: NativeBinding | null,
  threads: number,
): Callable<Table> {
  const entries = Object.entries(table).map(([name, { typescript, native }]) => {
    const call = binding
      ? (...args: never) => typed(binding.operations[name](...native(args, threads)))
      : async (...args: never) => (typescript as (...args: never) => unknown)(...args);
    return [name, call];
  });
  return Object.fromEntries(entries) as Callable<Table>;
}
