import type { Abortable } from "../abortable.js";
import type { PackedMask } from "../mask/index.js";
import { joinPieces } from "./join-pieces.js";
import { MaskIndex } from "./mask-index.js";
import { MaskShelf } from "./mask-shelf.js";
import { granularityOfArea, type MaskForest, nestMasks } from "./nest-masks.js";
import { enlarged } from "./paint-pieces.js";
import { isOwn, isWhole, placeInLevel, surelyWhole } from "./place-masks.js";
import { type Size, type TileLevel, type TileSettings, tileLevels } from "./tile-grid.js";
import type { PlacedMask, TileMask, WholeMask } from "./tile-mask.js";

/** Two masks from different tiles with a higher intersection over union are duplicates: one is dropped. */
const SAME = 0.7;
/** Two masks are at odds when they share from this … */
const APART = 0.2;
/** … to this much of the smaller one: neither is a part of the other, nor do they lie side by side. */
const NESTED = 0.8;
/** … and the smaller one is at least this share of the larger one. */
const COMPARABLE = 0.25;

export interface MergeSettings extends TileSettings {
  /** Share of a mask that its parent holds at least. */
  readonly containment: number;
  /** Masks outside of these granularities are left out. */
  readonly granularity: readonly [low: number, high: number];
}

/** One mask of the whole image. */
export interface MergedMask {
  readonly mask: PackedMask;
  readonly score: number;
  readonly stability: number;
  readonly granularity: number;
  readonly point: readonly [x: number, y: number];
}

export interface MergedMasks {
  /** Best score first. */
  readonly masks: readonly MergedMask[];
  readonly forest: MaskForest;
}

/** Counts of one level, for a report. */
export interface LevelCounts {
  /** Masks of the tiles that answer for them. */
  readonly whole: number;
  /** Masks that were put together from pieces, and pieces that there were. */
  readonly joined: number;
  readonly pieces: number;
  /** Masks of the level that are in the result. */
  readonly taken: number;
}

/** Best first. Sorting is stable: of equals the earlier one stays first. */
function byScore(a: { readonly score: number }, b: { readonly score: number }): number {
  return b.score - a.score;
}

/**
 * Makes one set of masks of what the tiles of an image hold. Each mask comes from the finest level at which it is seen
 * whole, from the tile that sees it best or from pieces that agree where tiles overlap. The result does not depend
 * on the order in which tiles come. Not for the main thread.
 */
export class TileMerger {
  readonly levels: readonly TileLevel[];
  readonly #size: Size;
  readonly #settings: MergeSettings;
  /** Of the level under way: what is whole, and pieces. */
  #whole: PlacedMask[] = [];
  #pieces: PlacedMask[] = [];
  #shelf = new MaskShelf();
  readonly #taken = new MaskIndex();
  readonly #masks: MergedMask[] = [];
  readonly #takenShelf = new MaskShelf();
  /** Of each mask that was taken, which tiles of which level it comes from. */
  readonly #origins: { readonly level: number; readonly tiles: readonly number[] }[] = [];

  constructor(size: Size, settings: MergeSettings) {
    this.#size = { width: size.width, height: size.height };
    this.#settings = settings;
    this.levels = tileLevels(size, settings);
  }

  /** Takes the masks of a tile of the level under way. */
  add(level: number, tile: number, masks: readonly TileMask[]): void {
    const { levels } = this;
    for (const placed of placeInLevel(masks, levels[level], tile, this.#settings)) {
      const isPiece = !isWhole(placed.open);
      if (!isPiece && !isOwn(placed, levels[level], this.#settings)) continue;
      const kept = { ...placed, mask: this.#shelf.keep(placed.mask) };
      if (isPiece) this.#pieces.push(kept);
      else this.#whole.push(kept);
    }
  }

  /** How many masks are held. */
  get held(): number {
    return this.#whole.length + this.#pieces.length + this.#masks.length;
  }

  /** Ends with a level: all of its tiles have come. */
  endLevel(level: number, signal?: Abortable): LevelCounts {
    const byTile = (a: PlacedMask, b: PlacedMask) => a.tile - b.tile;
    // Within a tile the masks stay as they came.
    const pieces = this.#pieces.sort(byTile);
    const joined = joinPieces(pieces, this.levels[level], signal);
    const whole = this.#whole.sort(byTile).map((mask): WholeMask => ({ ...mask, tiles: [mask.tile] }));
    this.#whole = [];
    this.#pieces = [];
    this.#shelf = new MaskShelf();
    const before = this.#masks.length;
    const found = [...whole, ...joined].filter(({ mask }) => this.#isForLevel(mask, level));
    // The better of two that are the same is taken first.
    for (const mask of found.sort(byScore)) {
      signal?.throwIfAborted();
      this.#take(mask, level);
    }
    const taken = this.#masks.length - before;
    return { whole: whole.length, joined: joined.length, pieces: pieces.length, taken };
  }

  /** A level adds only what the level before may have cut; that level has surely seen the rest whole. */
  #isForLevel({ area, box: [x0, y0, x1, y1] }: PackedMask, level: number): boolean {
    if (area === 0) return false;
    if (level === 0) return true;
    const { width, height, across, down } = this.levels[level - 1];
    const here = this.levels[level];
    const scale = Math.max(width / here.width, height / here.height);
    const least = surelyWhole(this.#settings);
    const isCut = (first: number, last: number, count: number) =>
      count > 1 && (last - first + 1) * scale > least;
    return isCut(x0, x1, across.count) || isCut(y0, y1, down.count);
  }

  #take(found: WholeMask, level: number): void {
    const { width, height } = this.#size;
    const here = this.levels[level];
    const whole = enlarged(found.mask, this.#size);
    const isSameTile = (number: number) => {
      const origin = this.#origins[number];
      return origin.level === level && origin.tiles.some((tile) => found.tiles.includes(tile));
    };
    for (const number of this.#taken.near(whole, APART * COMPARABLE * whole.area)) {
      // Masks of one tile are the model's own answer: they are not compared with each other.
      if (isSameTile(number)) continue;
      const { area } = this.#taken.mask(number);
      const [smaller, larger] = area < whole.area ? [area, whole.area] : [whole.area, area];
      if (smaller < COMPARABLE * larger) continue;
      const common = this.#taken.common(whole, number);
      if (common > SAME * (area + whole.area - common)) return;
      if (common > APART * smaller && common < NESTED * smaller) return;
    }
    const mask = this.#takenShelf.keep(whole);
    this.#taken.add(mask);
    this.#origins.push({ level, tiles: found.tiles });
    this.#masks.push({
      mask,
      score: found.score,
      stability: found.stability,
      granularity: granularityOfArea(mask.area, this.#size),
      point: [(found.point[0] * width) / here.width, (found.point[1] * height) / here.height],
    });
  }

  /** All masks, after the last level. */
  result(signal?: Abortable): MergedMasks {
    const [low, high] = this.#settings.granularity;
    const shelf = new MaskShelf();
    const masks = this.#masks
      .filter(({ granularity }) => granularity >= low && granularity <= high)
      .sort(byScore)
      .map((found): MergedMask => ({ ...found, mask: shelf.keep(found.mask) }));
    return { masks, forest: nestMasks(masks, this.#settings.containment, signal) };
  }
}
