import type { NativeWork } from "./native-work.js";

// The fusion half of the contract: masks, hierarchical fusion, patch merging, region trees (native/src/addon/fusion). The functions
// are the twins of those of the same names in @unsam/core's rooms mask, hierarchy and patch-merge, which say what they
// compute: same input, same result, bit for bit. Like the decoder's methods they read (copy) their arguments before
// they return, work on libuv's thread pool, and never throw: whatever is wrong rejects the promise. Every option has to
// be given. Each array of a result lies in an ordinary ArrayBuffer of its own and may
// be moved to another thread.

export interface NativeSize {
  readonly width: number;
  readonly height: number;
}

/** Low-resolution logits, not clamped; NaN is background. */
export interface NativeLogitMaps extends NativeSize {
  /** From 1 to 16,384. */
  readonly count: number;
  /**
   * [count, height, width], in one array or in several behind each other. Copying holds the event loop up: one array on
   * a SharedArrayBuffer is not copied, but read where it lies until the call ends.
   */
  readonly data: Float32Array | readonly Float32Array[];
}

/** Bit-packed masks of one size; from 0 to 16,384. */
export interface NativeMaskStack extends NativeSize {
  readonly count: number;
  /** [count, height, ceil(width / 32)], pixel x is bit x % 32, lowest first; the bits behind a row's last pixel are 0. */
  readonly words: Uint32Array;
}

export interface NativeThresholds {
  /** Logits above it are foreground. */
  readonly threshold: number;
  /** The stability score compares the masks at `threshold ± stabilityOffset`. */
  readonly stabilityOffset: number;
}

export interface NativeMaskStatistics {
  readonly masks: NativeMaskStack;
  /** [count] foreground pixels. */
  readonly areas: Uint32Array;
  /** [count, 4] x0, y0, x1, y1, corners inclusive; zeros for an empty mask. */
  readonly boxes: Int32Array;
  /** [count] */
  readonly stability: Float64Array;
}

export interface NativeFinishOptions extends NativeThresholds, NativeWork {
  /** Without, `masks.words` stays empty, and memory is one mask per thread. */
  readonly keepWords: boolean;
  readonly runLengths: boolean;
}

/** Masks at image size. */
export interface NativeFinishedMasks extends NativeMaskStatistics {
  /** COCO's run lengths of each mask, or null where none were asked for. */
  readonly runLengths: readonly Uint32Array[] | null;
}

export interface NativeOverlaps {
  readonly count: number;
  /** [count · (count − 1) / 2] rows of the upper triangle behind each other. */
  readonly common: Uint32Array;
}

export interface NativeForest {
  readonly count: number;
  /** [count] −1 for a root. */
  readonly parent: Int32Array;
  /** [count] dial steps. */
  readonly level: Uint16Array;
  /** [count] painting order. */
  readonly order: Int32Array;
}

export interface NativeFusionOptions extends NativeThresholds, NativeWork {
  readonly maxIoU: number;
  readonly containment: number;
  readonly minArea: number;
}

export interface NativeFusedScene extends NativeMaskStatistics {
  /** The masks that stayed, best score first; row r of everything else is mask `kept[r]` of the input. */
  readonly kept: Int32Array;
  readonly forest: NativeForest;
  /** [height, width] */
  readonly finest: Int32Array;
}

export interface NativeFusedMap extends NativeSize {
  /** [height, width] each */
  readonly right: Uint16Array;
  readonly below: Uint16Array;
}

export interface NativeComponents {
  readonly runs: { readonly start: Int32Array; readonly end: Int32Array; readonly rowStart: Int32Array };
  readonly ofRun: Int32Array;
  readonly areas: Int32Array;
}

export interface NativePatchFeatures extends NativeSize {
  readonly channels: number;
  /** [height, width, channels]; not copied on a SharedArrayBuffer. */
  readonly data: Float32Array;
}

export interface NativePatchMerges {
  readonly count: number;
  /** [count − 1, 2] */
  readonly children: Int32Array;
  /** [count − 1] */
  readonly similarity: Float64Array;
}

/** The superpixels of an image, who touches whom, and the order in which they are joined. */
export interface NativeRegionHierarchy {
  readonly superpixels: {
    readonly count: number;
    /** [height, width] */
    readonly labels: Int32Array;
    /** [count] */
    readonly markers: Int32Array;
  };
  /** Edges first < second, sorted; [edges] each. */
  readonly graph: {
    readonly count: number;
    readonly first: Int32Array;
    readonly second: Int32Array;
    readonly border: Float64Array;
    readonly strength: Float64Array;
  };
  readonly merges: {
    readonly count: number;
    /** [count − 1, 2] */
    readonly children: Int32Array;
    /** [count − 1] each */
    readonly heights: Float64Array;
    readonly border: Float64Array;
    readonly strength: Float64Array;
  };
}

export interface NativeFusion {
  /** `finishMask` of all maps at once. */
  finishMasks(
    maps: NativeLogitMaps,
    size: NativeSize,
    options: NativeFinishOptions,
  ): Promise<NativeFinishedMasks>;
  maskStatistics(
    maps: NativeLogitMaps,
    options: NativeThresholds & NativeWork,
  ): Promise<NativeMaskStatistics>;

  /** Run lengths of each mask. */
  encodeRLE(masks: NativeMaskStack, options: NativeWork): Promise<Uint32Array[]>;
  /** The words of one mask. */
  decodeRLE(
    counts: Uint32Array,
    size: NativeSize,
    options: { readonly maxPixels: number },
  ): Promise<Uint32Array>;
  /** The text COCO's tools pack run lengths into, and back. */
  encodeCounts(counts: Uint32Array): Promise<string>;
  decodeCounts(text: string): Promise<Uint32Array>;

  findComponents(
    words: Uint32Array,
    size: NativeSize,
    options: { readonly connectivity: 4 | 8 },
  ): Promise<NativeComponents>;
  /** `removeSmallRegions` of all masks at once: new words, [count, height, ceil(width / 32)]. */
  removeSmallRegions(
    masks: NativeMaskStack,
    options: NativeWork & {
      readonly which: "holes" | "islands";
      readonly minArea: number;
      readonly connectivity: 4 | 8;
    },
  ): Promise<Uint32Array>;

  pairwiseOverlaps(masks: NativeMaskStack, boxes: Int32Array, options: NativeWork): Promise<NativeOverlaps>;
  removeDuplicates(
    areas: Uint32Array,
    scores: Float64Array,
    overlaps: NativeOverlaps,
    options: { readonly maxIoU: number },
  ): Promise<Int32Array>;
  suppressBoxes(
    boxes: Float64Array,
    scores: Float64Array,
    options: { readonly maxIoU: number },
  ): Promise<Int32Array>;
  buildForest(
    areas: Uint32Array,
    scores: Float64Array,
    granularities: Float64Array,
    overlaps: NativeOverlaps,
    options: { readonly containment: number },
  ): Promise<NativeForest>;
  finestLabels(masks: NativeMaskStack, forest: NativeForest, options: NativeWork): Promise<Int32Array>;
  labelMapAt(
    finest: Int32Array,
    forest: NativeForest,
    granularity: number,
    options: NativeWork,
  ): Promise<Int32Array>;
  fuseLabels(
    finest: Int32Array,
    forest: NativeForest,
    size: NativeSize,
    options: NativeWork,
  ): Promise<NativeFusedMap>;
  fuseLogits(
    maps: NativeLogitMaps,
    scores: Float64Array,
    granularities: Float64Array,
    options: NativeFusionOptions,
  ): Promise<NativeFusedScene>;

  mergePatches(features: NativePatchFeatures, options: NativeWork): Promise<NativePatchMerges>;

  /**
   * What `buildRegionTree` of @unsam/core does on its working image, [height, width, 3] with sides up to 4096, bit for
   * bit where `regionTreeRecipe` is that package's `REGION_TREE_RECIPE`.
   */
  buildRegionHierarchy(
    image: NativeSize & { readonly data: Uint8Array },
    options: NativeWork,
  ): Promise<NativeRegionHierarchy>;
  /** Number of the recipe `buildRegionHierarchy` follows. */
  readonly regionTreeRecipe: number;
}
