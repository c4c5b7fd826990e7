import type { Mask } from "@unsam/sdk";
import { type Static, Type } from "typebox";

const strict = { additionalProperties: false } as const;
const maybeNumber = Type.Union([Type.Number(), Type.Null()]);
const side = Type.Integer({ minimum: 1, maximum: 65_535 });

const region = Type.Object(
  {
    label: Type.String({ maxLength: 200 }),
    score: maybeNumber,
    stability: maybeNumber,
    granularity: maybeNumber,
    /** Index of the region that it is part of. */
    parent: Type.Union([Type.Integer({ minimum: 0 }), Type.Null()]),
    colour: Type.String({ pattern: "^#[0-9a-f]{6}$" }),
    /** COCO's compressed run lengths. */
    counts: Type.String(),
  },
  strict,
);

export const exportRequest = Type.Object(
  {
    format: Type.Enum(["coco", "labelme", "yolo", "svg", "scene"]),
    photo: Type.Object(
      { name: Type.String({ minLength: 1, maxLength: 255 }), width: side, height: side },
      strict,
    ),
    regions: Type.Array(region, { minItems: 1, maxItems: 16_384 }),
  },
  strict,
);

export type ExportRequest = Static<typeof exportRequest>;

/** A region with its pixels. */
export interface RegionWithMask extends Omit<ExportRequest["regions"][number], "counts"> {
  readonly mask: Mask;
}
