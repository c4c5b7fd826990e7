import { type BoundingBox, Mask, type PackedMask, unpackMask } from "@unsam/core/mask";
import type { SceneEntry } from "../scene-data/scene-data.js";

/** One mask of a whole image. Kept packed; `mask` unpacks it anew each time. */
export class FoundMask {
  /** Foreground pixels. */
  readonly area: number;
  /** The smallest box around the foreground, in pixels. */
  readonly bbox: BoundingBox;
  /** Predicted IoU; for the region tree the region's persistence. */
  readonly score: number;
  /** Stability score at logits ±1 (Kirillov et al. 2023, section 5). */
  readonly stability: number;
  /** The granularity it was found at; where at several, the finest. Null: the model knows none. */
  readonly granularity: number | null;
  /** The click that found it, in pixels; null where none did. */
  readonly point: readonly [x: number, y: number] | null;
  /** @internal */
  readonly packed: PackedMask;

  /** @internal */
  constructor({ mask, score, stability, granularity, point }: SceneEntry) {
    const [x0, y0, x1, y1] = mask.box;
    this.packed = mask;
    this.area = mask.area;
    this.bbox =
      mask.area === 0
        ? { x: 0, y: 0, width: 0, height: 0 }
        : { x: x0, y: y0, width: x1 - x0 + 1, height: y1 - y0 + 1 };
    this.score = score;
    this.stability = stability;
    this.granularity = granularity;
    this.point = point;
  }

  /** At the size of the image, one bit a pixel. A new object each time: keep it, if it is needed often. */
  get mask(): Mask {
    return new Mask(this.packed.width, this.packed.height, unpackMask(this.packed));
  }
}

/** One mask of a scene, with its place in it. */
export class SceneMask extends FoundMask {
  /** Index in `scene.masks`; its number in label maps is one more. */
  readonly id: number;
  declare readonly granularity: number;
  /** The smallest mask that holds at least 80 % of it (the scene's containment); null for a whole. */
  readonly parent: SceneMask | null;
  /** Masks that lie in it, best score first. */
  readonly children: readonly SceneMask[] = [];
  /**
   * The granularities, from ≤ g < until, at which it owns pixels in `scene.at(g)`: from where it takes over from
   * what lies in it (0 where nothing does), until its parent takes over (Infinity for a whole). Pixels of it in none
   * of its children are its own below `from`, too.
   */
  readonly range: readonly [from: number, until: number];

  /** @internal */
  constructor(entry: SceneEntry, id: number, parent: SceneMask | null, range: readonly [number, number]) {
    super(entry);
    this.id = id;
    this.parent = parent;
    this.range = range;
    if (parent) (parent.children as SceneMask[]).push(this);
  }
}
