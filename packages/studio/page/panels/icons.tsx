/** Drawn on 20 × 20; one weight of line. */
const PATHS = {
  click: "M4 3.5l5.2 12.6 1.9-5 5-1.9z",
  brush:
    "M16.5 3.5c-4 1.5-7 4.6-8.4 7.4M8.1 10.9c1 .3 1.7 1 2 2M8 11c-2.4-.3-3.6 1.3-3.6 3 0 1-.5 1.6-1.4 2 3.8 1 7.1-.5 7.1-3",
  move: "M10 2.5v15M2.5 10h15M7.5 5L10 2.5 12.5 5M7.5 15l2.5 2.5 2.5-2.5M5 7.5L2.5 10 5 12.5M15 7.5l2.5 2.5-2.5 2.5",
  include: "M10 4.5v11M4.5 10h11",
  exclude: "M4.5 10h11",
  undo: "M7.5 4L4 7.5 7.5 11M4 7.5h7.5a4.5 4.5 0 0 1 0 9H9",
  redo: "M12.5 4L16 7.5 12.5 11M16 7.5H8.5a4.5 4.5 0 0 0 0 9H11",
  fit: "M3.5 7.5v-4h4M12.5 3.5h4v4M16.5 12.5v4h-4M7.5 16.5h-4v-4",
  remove: "M5.5 5.5l9 9M14.5 5.5l-9 9",
  add: "M10 5v10M5 10h10",
  next: "M8 5l5 5-5 5",
  previous: "M12 5l-5 5 5 5",
  open: "M3 15.5v-11h5l1.5 2H17v9zM3 9h14",
  save: "M10 3.5v9M6.5 9l3.5 3.5L13.5 9M4 13.5v3h12v-3",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
