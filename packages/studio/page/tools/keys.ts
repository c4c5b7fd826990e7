/** A key that works while the photo has the focus, and what it does. */
export interface KeyHelp {
  readonly keys: string;
  readonly does: string;
}

export const POINTER_HELP: readonly KeyHelp[] = [
  { keys: "Click", does: "this belongs to the object" },
  { keys: "Right click, Alt + click", does: "this does not belong to it" },
  { keys: "Drag", does: "a box around the object" },
  { keys: "Wheel, two fingers", does: "zoom; the middle button moves the photo" },
];

export const PHOTO_HELP: readonly KeyHelp[] = [
  { keys: "Arrow keys", does: "move the crosshair; with Shift by a single pixel" },
  { keys: "Enter", does: "this belongs to the object; with Shift: it does not" },
  { keys: "B", does: "one corner of a box, then the other" },
  { keys: "[  ]", does: "the next finer, the next coarser scale" },
  { keys: "A", does: "auto: the most stable scale" },
  { keys: "N", does: "a new object" },
  { keys: "Delete", does: "remove the object" },
  { keys: "E", does: "objects, or everything" },
  { keys: "+  −  0", does: "zoom, and the whole photo" },
  { keys: "Escape", does: "give up what is under way" },
];

export const PAGE_HELP: readonly KeyHelp[] = [
  { keys: "Ctrl + Z", does: "undo; with Shift: do it again" },
  { keys: "Ctrl + O", does: "open a photo; it can also be dropped or pasted" },
  { keys: "Arrow keys on the slider", does: "the next different scale" },
];

/** Whether a key belongs to a text that is being written. */
export function isTyping({ target }: Event): boolean {
  return target instanceof HTMLElement && target.matches("input:not([type=range]), textarea, select");
}
