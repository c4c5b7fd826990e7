import { UnSAMError } from "@unsam/core/errors";
import { exists, readJson } from "../files.js";

/** What `dataset.json` tells of a folder of label maps. */
export interface Description {
  readonly name: string | null;
  readonly title: string | null;
  readonly licence: string | null;
  readonly citation: string | null;
  readonly homepage: string | null;
  /** Labels of pixels that no score counts; null where it names none. */
  readonly voidLabels: readonly number[] | null;
}

/**
 * Reads a `dataset.json`; without one nothing is told. Further keys are for people. Throws `E_BAD_FILE` where a key that
 * we know has a value that we do not.
 */
export async function readDescription(file: string): Promise<Description> {
  const content = (await exists(file)) ? await readJson(file) : {};
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    throw new UnSAMError("E_BAD_FILE", `${file} holds no JSON object.`);
  }
  const values = content as Record<string, unknown>;
  const text = (key: string): string | null => {
    const value = values[key] ?? null;
    if (value === null || typeof value === "string") return value;
    throw new UnSAMError("E_BAD_FILE", `${file}: ${key} is ${JSON.stringify(value)}; it must be text.`);
  };
  return {
    name: text("name") || null,
    title: text("title"),
    licence: text("licence"),
    citation: text("citation"),
    homepage: text("homepage"),
    voidLabels: voidLabelsOf(values, file),
  };
}

/** `"void_labels": [255]`; `"zero_label": "ignore"` is the older word for `[0]`. */
function voidLabelsOf(values: Record<string, unknown>, file: string): readonly number[] | null {
  const { void_labels: labels, zero_label: zero } = values;
  const ignoresZero = zero === "ignore";
  const known = ["ignore", "background", "unused", undefined, null];
  if (!known.includes(zero as string)) {
    throw new UnSAMError(
      "E_BAD_FILE",
      `${file}: zero_label is ${JSON.stringify(zero)}; it may be "ignore" (pixels labelled 0 do not count), "background" or "unused".`,
    );
  }
  if (labels === undefined || labels === null) return ignoresZero ? [0] : null;
  if (!Array.isArray(labels) || !labels.every((label) => Number.isSafeInteger(label))) {
    throw new UnSAMError(
      "E_BAD_FILE",
      `${file}: void_labels is ${JSON.stringify(labels).slice(0, 80)}; it must be a list of whole numbers, such as [255].`,
    );
  }
  return [...new Set<number>([...(ignoresZero ? [0] : []), ...labels])].sort((a, b) => a - b);
}
