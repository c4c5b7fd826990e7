import { ServiceFailure } from "@unsam/server/client";
import type { PullProgress, StudioService } from "../service/studio-service.ts";
import {
  type Click,
  changed,
  EMPTY_DOCUMENT,
  isAsked,
  type StudioDocument,
  type StudioObject,
  selectedObject,
  withClick,
} from "../state/document.ts";
import { advance, historyOf, redo, replacePresent, undo } from "../state/history.ts";
import { indexAt, type Ladder, stepFrom } from "../state/ladder.ts";
import { stepOfScene } from "../state/scene.ts";
import { Answers, type Shown } from "./answers.ts";
import { findEverything } from "./everything.ts";
import { Hover } from "./hover.ts";
import { decodePhoto } from "./photo.ts";
import { describeScale, downloaded, share } from "./sentences.ts";
import { FIRST_STATE, type Mode, type StudioState } from "./studio-state.ts";

/** The state of the page, and what is done about it: photos, prompts, the scene, models. */
export class Studio {
  readonly service: StudioService;
  readonly hover: Hover;
  readonly #answers: Answers;
  readonly #listeners = new Set<() => void>();
  /** What was made of each photo, to come back to. */
  readonly #documents = new Map<string, StudioState["history"]>();
  #state: StudioState = FIRST_STATE;
  #opening = new AbortController();
  #loading = new AbortController();

  constructor(service: StudioService) {
    this.service = service;
    this.#answers = new Answers(service.model);
    this.hover = new Hover(service.model, () => this.#tell());
  }

  get state(): StudioState {
    return this.#state;
  }

  get document(): StudioDocument {
    return this.#state.history.present;
  }

  get selected(): StudioObject | null {
    return selectedObject(this.document);
  }

  /** Calls back after each change; returns how to end that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  set(change: Partial<StudioState>): void {
    this.#state = { ...this.#state, ...change };
    this.#tell();
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  say(said: string): void {
    this.set({ said });
  }

  /** Shows what went wrong. */
  fail(problem: unknown): void {
    if (problem instanceof DOMException && problem.name === "AbortError") return;
    const isGone = problem instanceof TypeError;
    const text = isGone
      ? "The studio does not answer; start it again with unsam studio."
      : messageOf(problem);
    this.set({ problem: text });
  }

  /** What the command line offers, and the model in use. */
  async begin(): Promise<void> {
    const { photos } = await this.service.photos();
    this.set({ photos });
    await this.readModels();
    if (photos.length > 0) await this.openListed(0);
  }

  async readModels(): Promise<void> {
    const [models, { models: inUse }] = await Promise.all([
      this.service.models(),
      this.service.model.models(),
    ]);
    this.set({ models, hasGranularity: inUse[0].granularity });
  }

  async openListed(index: number): Promise<void> {
    const name = this.#state.photos[index];
    if (name === undefined) return;
    const signal = this.#newOpening();
    this.set({ busy: { text: `Opening ${name}`, since: performance.now(), share: null }, problem: null });
    try {
      await this.#open(name, await this.service.photo(index, signal), signal, index);
    } catch (problem) {
      this.#openingFailed(problem, signal);
    }
  }

  /** A photo that was dropped, pasted or chosen. */
  async openFile(file: File): Promise<void> {
    const signal = this.#newOpening();
    try {
      await this.#open(file.name || "pasted photo.png", file, signal, null);
    } catch (problem) {
      this.#openingFailed(problem, signal);
    }
  }

  #newOpening(): AbortSignal {
    this.#opening.abort();
    this.#opening = new AbortController();
    return this.#opening.signal;
  }

  #openingFailed(problem: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.set({ busy: null });
    this.fail(problem);
  }

  async #open(name: string, blob: Blob, signal: AbortSignal, photoIndex: number | null): Promise<void> {
    const { photo: before } = this.#state;
    if (before) this.#documents.set(before.name, this.#state.history);
    this.hover.leave();
    this.set({ busy: { text: `Opening ${name}`, since: performance.now(), share: null }, problem: null });
    const photo = await decodePhoto(name, blob, (given) => this.service.view(given, signal));
    signal.throwIfAborted();
    before?.picture.close();
    this.#answers.clear();
    const history = this.#documents.get(name) ?? historyOf(EMPTY_DOCUMENT);
    this.set({
      photo,
      photoIndex,
      history,
      scene: null,
      sceneHovered: null,
      sceneSelected: null,
      photoMilliseconds: null,
    });
    await this.#look(signal);
  }

  /** Has the model encode the photo, and answer what is asked already. */
  async #look(signal: AbortSignal): Promise<void> {
    const { photo } = this.#state;
    if (!photo) return;
    const since = performance.now();
    this.set({ busy: { text: `Encoding ${photo.name}`, since, share: null } });
    const { id } = await this.service.model.addImage(photo.blob, { signal });
    signal.throwIfAborted();
    const milliseconds = performance.now() - since;
    this.set({ photo: { ...photo, id }, busy: null, photoMilliseconds: milliseconds });
    this.say(`${photo.name} is ready, ${photo.width} by ${photo.height} pixels.`);
    for (const object of this.document.objects) this.#ask(object);
    if (this.#state.mode === "everything") await this.findScene();
  }

  /** The next document, as a step that can be undone; `kind` joins it to the last step of the same kind. */
  edit(change: (document: StudioDocument) => StudioDocument, kind: string | null = null): void {
    this.set({ history: advance(this.#state.history, change(this.document), kind) });
    this.#askAll();
  }

  select(id: number | null): void {
    const { history } = this.#state;
    this.set({ history: replacePresent(history, { ...history.present, selected: id }) });
  }

  undo(): void {
    this.set({ history: undo(this.#state.history), said: "Undone." });
    this.#askAll();
  }

  redo(): void {
    this.set({ history: redo(this.#state.history), said: "Done again." });
    this.#askAll();
  }

  #askAll(): void {
    for (const object of this.document.objects) this.#ask(object);
  }

  /** Asks for an object's ladder, where it is not known. */
  async #ask(object: StudioObject, isAgain = false): Promise<void> {
    const { photo, hasGranularity } = this.#state;
    if (!photo?.id || object.region || !isAsked(object.asked)) return;
    if (this.#answers.known(photo, object.asked)) return;
    this.set({ asking: this.#state.asking + 1 });
    try {
      await this.#answers.ask(photo, object.asked, hasGranularity);
      this.set({ problem: null });
      const now = this.document.objects.find(({ id }) => id === object.id);
      if (now) this.say(this.describe(now));
    } catch (problem) {
      if (!isAgain && problem instanceof ServiceFailure && problem.code === "E_NO_IMAGE") {
        // The service forgot it meanwhile, or the model changed.
        await this.#look(this.#opening.signal).catch((why) => this.fail(why));
      } else this.fail(problem);
    } finally {
      this.set({ asking: this.#state.asking - 1 });
    }
  }

  ladderOf(object: StudioObject): Ladder | null {
    const { photo } = this.#state;
    return photo && this.#answers.ladderOf(photo, object);
  }

  shown(object: StudioObject): Shown | null {
    const { photo } = this.#state;
    return photo && isVisible(object) ? this.#answers.shown(photo, object) : null;
  }

  /** One sentence on what an object shows. */
  describe(object: StudioObject): string {
    const { photo } = this.#state;
    const shown = this.shown(object);
    if (!photo || !shown) return `${object.name} has no mask yet.`;
    const part = `${object.name}: ${share(shown.area, photo)} of the photo`;
    const ladder = this.ladderOf(object);
    return ladder ? `${part}, ${describeScale(ladder, indexAt(ladder, object.granularity))}.` : `${part}.`;
  }

  /** A click: what the pointer showed there stays until the answer comes. */
  click(click: Click): void {
    const { shown } = this.hover;
    this.hover.leave();
    this.edit((document) => withClick(document, click));
    const object = this.selected;
    if (shown && object && click.isWanted) this.#answers.glimpse(object.id, shown);
  }

  setGranularity(granularity: number | "auto"): void {
    const object = this.selected;
    if (!object || object.region) return;
    this.edit((document) => changed(document, object.id, { granularity }), `granularity ${object.id}`);
  }

  /** To the next different scale of the object, or of the scene. */
  step(direction: "finer" | "coarser"): void {
    const { mode, scene, sceneGranularity } = this.#state;
    if (mode === "everything") {
      const next = scene && stepOfScene(scene.scene, sceneGranularity, direction);
      if (next !== null) this.set({ sceneGranularity: next });
      return;
    }
    const object = this.selected;
    const ladder = object && this.ladderOf(object);
    if (!object || !ladder) return;
    const next = stepFrom(ladder, object.granularity, direction);
    if (next === null) this.say(`There is nothing ${direction}.`);
    else {
      this.setGranularity(next);
      this.say(this.describe({ ...object, granularity: next }));
    }
  }

  async setMode(mode: Mode): Promise<void> {
    this.hover.leave();
    this.set({ mode, sceneHovered: null });
    if (mode === "everything") await this.findScene();
  }

  /** All masks of the photo, once. */
  async findScene(): Promise<void> {
    const { photo, scene, busy } = this.#state;
    if (!photo?.id || scene || busy) return;
    const { signal } = this.#opening;
    const since = performance.now();
    const found = (masks: number, coverage: number) =>
      this.set({ busy: { text: `Finding everything: ${masks} masks`, since, share: coverage } });
    found(0, 0);
    try {
      const drawn = await findEverything(this.service.model, photo, found, signal);
      this.set({ scene: drawn, busy: null });
      this.say(`${drawn.scene.masks.length} masks were found.`);
    } catch (problem) {
      if (signal.aborted) return;
      this.set({ busy: null, mode: "objects" });
      this.fail(problem);
    }
  }

  /** Another model encodes the photo; what is asked stays. False: it is the model before. */
  async useModel(name: string): Promise<boolean> {
    const since = performance.now();
    this.set({ busy: { text: `Loading ${name}`, since, share: null }, problem: null });
    this.hover.leave();
    this.#loading = new AbortController();
    try {
      await this.service.useModel(name, this.#tellDownload(name, since), this.#loading.signal);
      this.#answers.clear();
      const { photo } = this.#state;
      this.set({
        scene: null,
        sceneSelected: null,
        sceneHovered: null,
        photo: photo && { ...photo, id: null },
      });
      await this.readModels();
      this.set({ busy: null });
    } catch (problem) {
      this.set({ busy: null });
      this.fail(problem);
      await this.readModels().catch(() => {});
      return false;
    }
    const signal = this.#newOpening();
    this.#look(signal).catch((problem) => this.#openingFailed(problem, signal));
    return true;
  }

  /** Gives up the change to another model. What of a download is there is kept, and continued next time. */
  stopLoading(): void {
    this.#loading.abort();
  }

  #tellDownload(name: string, since: number): (progress: PullProgress) => void {
    let first: { bytes: number; since: number } | null = null;
    return ({ phase, bytes, total, message }) => {
      if (phase !== "download" || total === null || total === 0) {
        this.set({ busy: { text: message ?? `Loading ${name}`, since, share: null } });
        return;
      }
      first ??= { bytes, since: performance.now() };
      const detail = downloaded(bytes, total, first);
      this.set({ busy: { text: `Downloading ${name}`, since, share: bytes / total, detail } });
    };
  }
}

function isVisible({ region, asked }: StudioObject): boolean {
  return region !== null || isAsked(asked);
}

function messageOf(problem: unknown): string {
  return problem instanceof Error && problem.message !== "" ? problem.message : "Something went wrong.";
}
