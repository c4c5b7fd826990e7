/** What was, what is, and what was undone. Values: nothing in them changes. */
export interface History<Value> {
  readonly past: readonly Value[];
  readonly present: Value;
  readonly future: readonly Value[];
  /** Kind of the last change: changes of one kind in a row, such as those of a slider, are undone together. */
  readonly kind: string | null;
}

const MOST_STEPS = 200;

export function historyOf<Value>(present: Value): History<Value> {
  return { past: [], present, future: [], kind: null };
}

/** The next present. `kind`: joins the change to the last one of the same kind. */
export function advance<Value>(
  history: History<Value>,
  present: Value,
  kind: string | null = null,
): History<Value> {
  if (Object.is(present, history.present)) return history;
  const joins = kind !== null && kind === history.kind;
  const past = joins ? history.past : [...history.past, history.present].slice(-MOST_STEPS);
  return { past, present, future: [], kind };
}

/** Another present that is no step of its own, such as a selection. */
export function replacePresent<Value>(history: History<Value>, present: Value): History<Value> {
  return { ...history, present, kind: null };
}

export function undo<Value>(history: History<Value>): History<Value> {
  const present = history.past.at(-1);
  if (present === undefined) return history;
  const future = [history.present, ...history.future];
  return { past: history.past.slice(0, -1), present, future, kind: null };
}

export function redo<Value>(history: History<Value>): History<Value> {
  const [present, ...future] = history.future;
  if (present === undefined) return history;
  return { past: [...history.past, history.present], present, future, kind: null };
}
