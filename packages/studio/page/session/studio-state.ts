import type { OfferedModel } from "../service/studio-service.ts";
import { EMPTY_DOCUMENT, type StudioDocument } from "../state/document.ts";
import { type History, historyOf } from "../state/history.ts";
import type { DrawnScene } from "./everything.ts";
import type { OpenPhoto } from "./photo.ts";

export type Tool = "click" | "brush" | "move";
export type Mode = "objects" | "everything";

/** Work that the user waits for. */
export interface Busy {
  readonly text: string;
  /** `performance.now()` at its beginning. */
  readonly since: number;
  /** From 0 to 1; null: not known. */
  readonly share: number | null;
  /** More about it: "62 of 156 MB, 12 s left". */
  readonly detail?: string | undefined;
}

/** What the page shows, as one value. */
export interface StudioState {
  /** Names of the photos of the command line. */
  readonly photos: readonly string[];
  readonly photo: OpenPhoto | null;
  /** Which of `photos` it is; null: another. */
  readonly photoIndex: number | null;
  readonly history: History<StudioDocument>;
  readonly tool: Tool;
  /** Clicks say what is not wanted. */
  readonly isExcluding: boolean;
  /** Of the brush, in pixels of the screen. */
  readonly brushRadius: number;
  readonly mode: Mode;
  readonly scene: DrawnScene | null;
  readonly sceneGranularity: number;
  /** Masks of the scene, by id. */
  readonly sceneHovered: number | null;
  readonly sceneSelected: number | null;
  readonly models: readonly OfferedModel[];
  /** Of the model in use. */
  readonly hasGranularity: boolean;
  readonly busy: Busy | null;
  /** Prompts that are being answered. */
  readonly asking: number;
  /** What encoding the photo took; null: it is not done yet. */
  readonly photoMilliseconds: number | null;
  /** What went wrong, one sentence. */
  readonly problem: string | null;
  /** For screen readers. */
  readonly said: string;
}

export const FIRST_STATE: StudioState = {
  photos: [],
  photo: null,
  photoIndex: null,
  history: historyOf(EMPTY_DOCUMENT),
  tool: "click",
  isExcluding: false,
  brushRadius: 14,
  mode: "objects",
  scene: null,
  sceneGranularity: 0.5,
  sceneHovered: null,
  sceneSelected: null,
  models: [],
  hasGranularity: true,
  busy: null,
  asking: 0,
  photoMilliseconds: null,
  problem: null,
  said: "",
};
