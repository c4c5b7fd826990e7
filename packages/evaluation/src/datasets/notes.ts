/** What a reader of a report must know about the data: nothing of a data set is left out or changed in silence. */
export interface Note {
  /** left-out: not scored. adapted: scored, after a change. suspicious: scored as it is, though it may be a mistake. */
  readonly kind: "left-out" | "adapted" | "suspicious";
  /** One such thing: "annotation marked iscrowd". */
  readonly what: string;
  /** The reason, or what to do about it. */
  readonly why: string;
  readonly count: number;
  /** Names of the first few. */
  readonly examples: readonly string[];
}

/** Examples that a note keeps. */
const EXAMPLES = 3;

/** Collects notes: those of one kind, thing and reason are counted together. */
export class Notes {
  readonly #notes = new Map<string, Note>();

  add(kind: Note["kind"], what: string, why: string, example: string): void {
    this.merge([{ kind, what, why, count: 1, examples: [example] }]);
  }

  merge(notes: readonly Note[]): void {
    for (const note of notes) {
      const key = JSON.stringify([note.kind, note.what, note.why]);
      const earlier = this.#notes.get(key);
      this.#notes.set(key, {
        ...note,
        count: note.count + (earlier?.count ?? 0),
        examples: [...(earlier?.examples ?? []), ...note.examples].slice(0, EXAMPLES),
      });
    }
  }

  list(): Note[] {
    return [...this.#notes.values()];
  }
}

/** Notes of a data set and of its images, by whatever method they were scored: each image tells once. */
export function notesOf(
  own: readonly Note[],
  images: readonly { readonly image: string; readonly notes: readonly Note[] }[],
): Note[] {
  const notes = new Notes();
  notes.merge(own);
  const told = new Set<string>();
  for (const { image, notes: ofImage } of images) {
    if (!told.has(image)) notes.merge(ofImage);
    told.add(image);
  }
  return notes.list();
}

/** What is left out and how often, in one line; empty where nothing is. */
export function leftOutText(notes: readonly Note[]): string {
  const leftOut = notes.filter(({ kind }) => kind === "left-out");
  return leftOut.map(({ what, count }) => `${count} × ${what}`).join(", ");
}

const KINDS = { "left-out": "left out", adapted: "adapted", suspicious: "looks wrong" } as const;

/** A note as one line of text. */
export function noteText({ kind, what, why, count, examples }: Note): string {
  const more = count > examples.length ? ", …" : "";
  return `${KINDS[kind]}: ${count} × ${what} (${examples.join(", ")}${more}); ${why}`;
}
