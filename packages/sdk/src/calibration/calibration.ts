import { GranularityMap, type Knot, MOST_KNOTS } from "@unsam/core/calibration";
import type { EngineInfo } from "@unsam/core/engine";
import { UnSAMError } from "@unsam/core/errors";
import { readFileJson, shown, writeWhole } from "@unsam/core/files";
import { checkKeys } from "@unsam/core/options";
import { z } from "zod";

/** Format of a saved calibration: docs/schemas/calibration.schema.json. Raised when an older reader could misread one. */
const FORMAT = "unsam-calibration";
const VERSION = 1;
/** A calibration has a few knots; a file beyond this is something else. */
const MOST_BYTES = 64 * 1024;
const MOST_VALUES = 4096;

const unit = z.number().min(0).max(1);
const schema = z.strictObject({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  model: z
    .strictObject({ name: z.string().max(4096), fingerprint: z.string().min(1).max(256) })
    .nullable()
    .default(null),
  knots: z
    .array(z.tuple([unit, unit]))
    .min(2)
    .max(MOST_KNOTS),
  fit: z
    .strictObject({
      goal: z.enum(["labels", "medianRegionArea", "regionsPerImage"]),
      granularities: z.array(unit).min(1).max(MOST_KNOTS),
      images: z.int().min(1),
      regions: z.int().min(1),
      wanted: z.number().nullable(),
      before: z.number(),
      after: z.number(),
    })
    .nullable()
    .default(null),
});

/** How a calibration was fitted, and what that changed on the images it was fitted on. */
export interface CalibrationFit {
  readonly goal: "labels" | "medianRegionArea" | "regionsPerImage";
  /** The granularities at which the goal holds. */
  readonly granularities: readonly number[];
  readonly images: number;
  /** Labelled regions, or the regions that the statistic was taken of. */
  readonly regions: number;
  /** The statistic that was asked for; null with labels. */
  readonly wanted: number | null;
  /** Mean IoU with the labels, or the statistic: without and with the calibration. */
  readonly before: number;
  readonly after: number;
}

/** What a calibration holds, as `toJSON` writes and `Calibration.from` reads it. */
export type CalibrationData = z.input<typeof schema>;

/**
 * A map from the user's granularity to a model's granularity, fitted by `calibrate` to one kind of image. Give it to
 * `UnSAM.load({ calibration })`; from then on granularities mean what they were fitted to. Immutable.
 */
export class Calibration {
  /** The model it was fitted with, which alone it fits; null: any. */
  readonly model: { readonly name: string; readonly fingerprint: string } | null;
  readonly fit: CalibrationFit | null;
  readonly #map: GranularityMap;

  /** @internal Use `calibrate`, `Calibration.from` or `Calibration.read`. */
  constructor(model: Calibration["model"], map: GranularityMap, fit: CalibrationFit | null) {
    this.model = model;
    this.#map = map;
    this.fit = fit;
  }

  /** From what `toJSON` gives. The value is not trusted: throws `E_BAD_FILE` for whatever is no calibration. */
  static from(value: unknown, origin = "The calibration"): Calibration {
    const result = schema.safeParse(value);
    if (!result.success) {
      const [issue] = result.error.issues;
      const where = issue.path.join(".");
      throw new UnSAMError(
        "E_BAD_FILE",
        `${origin} is no calibration of version ${VERSION}: ${where ? `${where}: ` : ""}${issue.message.slice(0, 300)}. Make one with unsam calibrate.`,
      );
    }
    const { model, knots, fit } = result.data;
    return new Calibration(model, new GranularityMap(knots), fit);
  }

  /** Reads what `save` wrote. Throws `E_BAD_FILE`, or the signal's reason. */
  static async read(
    path: string,
    options: { readonly signal?: AbortSignal | undefined } = {},
  ): Promise<Calibration> {
    checkKeys(options, ["signal"], "Calibration.read");
    const what = "The calibration";
    const value = await readFileJson(path, {
      what,
      code: "E_BAD_FILE",
      maxBytes: MOST_BYTES,
      maxValues: MOST_VALUES,
      signal: options.signal,
    });
    return Calibration.from(value, `${what} ${shown(path)}`);
  }

  /** Writes it as JSON, whole or not at all. Throws `E_IO`. */
  async save(path: string): Promise<void> {
    await writeWhole(path, `${JSON.stringify(this, null, 2)}\n`);
  }

  toJSON(): CalibrationData {
    const { model, fit } = this;
    const knots = this.knots.map(([user, model]): [number, number] => [user, model]);
    return {
      format: FORMAT,
      version: VERSION,
      model,
      knots,
      fit: fit && { ...fit, granularities: [...fit.granularities] },
    };
  }

  /** The user's granularities and the model's that stand for them; straight lines in between. */
  get knots(): readonly Knot[] {
    return this.#map.knots;
  }

  /** The model's granularity for the user's. */
  toModel(granularity: number): number {
    return this.#map.toModel(granularity);
  }

  /** The user's granularity for the model's. */
  toDial(granularity: number): number {
    return this.#map.toUser(granularity);
  }

  /** @internal Throws `E_BAD_FILE` where it was fitted with another model, `E_UNSUPPORTED` for a model without granularity. */
  checkFits({ name, fingerprint, capabilities }: EngineInfo): void {
    if (!capabilities.granularity) {
      throw new UnSAMError(
        "E_UNSUPPORTED",
        `A calibration was given, but ${name} is a model without granularity; leave it out.`,
      );
    }
    if (this.model && this.model.fingerprint !== fingerprint) {
      throw new UnSAMError(
        "E_BAD_FILE",
        `The calibration was fitted with ${this.model.name}, not with the model in use (${name}); calibrate this one.`,
      );
    }
  }
}
