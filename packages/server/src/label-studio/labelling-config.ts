import { walkXml } from "@unsam/core/annotations";
import { NAMED_GRANULARITY } from "@unsam/core/names";
import type { Granularity } from "@unsam/sdk";
import { ServiceError } from "../service-error.js";

/** A tag `BrushLabels`: regions are painted with its labels. */
export interface BrushTag {
  readonly name: string;
  readonly toName: string;
  /** Empty where labels come with the tasks. */
  readonly labels: readonly string[];
  /** Its attribute `model_granularity`. */
  readonly granularity: Granularity | undefined;
}

/** What a project's labelling config says of regions in photos. */
export interface LabellingConfig {
  readonly brushes: readonly BrushTag[];
  /** Tags `Image` by name: under which key a task's data hold the photo's address. */
  readonly images: ReadonlyMap<string, string>;
}

/** The control whose value is the granularity: a `Number` or `Choices` of this name. */
export const GRANULARITY_CONTROL = "granularity";

interface OpenBrush extends BrushTag {
  readonly labels: string[];
}

/** Reads a labelling config, which is untrusted XML. Throws `E_BAD_FILE`, 422 for what has no brush for a photo. */
export function parseLabellingConfig(xml: string): LabellingConfig {
  const brushes: OpenBrush[] = [];
  const images = new Map<string, string>();
  let open: OpenBrush | null = null;
  const handler = {
    open(tag: string, { name, value, toName, alias, model_granularity }: Readonly<Record<string, string>>) {
      if (tag === "Image" && name && /^\$./.test(value ?? "")) images.set(name, value.slice(1));
      if (tag === "BrushLabels" && name && toName) {
        open = { name, toName, labels: [], granularity: granularityOf(model_granularity) };
        brushes.push(open);
      }
      if (tag === "Label" && open && (alias || value)) open.labels.push(alias || value);
    },
    close(tag: string) {
      if (tag === "BrushLabels") open = null;
    },
  };
  walkXml(xml, "The labelling config", handler, () => {});
  const ofPhotos = brushes.filter(({ toName }) => images.has(toName));
  if (ofPhotos.length > 0) return { brushes: ofPhotos, images };
  throw new ServiceError(
    422,
    "E_BAD_REQUEST",
    'The labelling config has no <BrushLabels name="tag" toName="image"> for an <Image name="image" value="$image"/>; add both.',
  );
}

/** A granularity as an attribute, a choice or a number says it; undefined: it says none. Throws 422. */
export function granularityOf(value: unknown): Granularity | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  if (value === "auto" || (typeof value === "string" && Object.hasOwn(NAMED_GRANULARITY, value))) {
    return value as Granularity;
  }
  const number = typeof value === "string" ? Number(value) : value;
  if (typeof number === "number" && number >= 0 && number <= 1) return number;
  throw new ServiceError(
    422,
    "E_BAD_REQUEST",
    `The granularity is ${JSON.stringify(value).slice(0, 60)}; give a number from 0 to 1, ${Object.keys(NAMED_GRANULARITY).join(", ")} or auto.`,
  );
}
