import path from "node:path";
import { UnSAMError } from "@unsam/core/errors";
import { isPhotoName } from "@unsam/core/files";
import type { Click } from "../dataset.js";
import { parseCsv, type TableRow } from "./csv.js";

const NEEDED = ["image", "region", "x", "y"] as const;

/**
 * The clicks of a `clicks.csv` by image. Columns image, region, x, y, and annotator where there are several; further ones
 * are for people. Throws `E_BAD_FILE` for a row that names no photo or has something else than whole numbers.
 */
export function readClicks(
  text: string,
  file: string,
  photos: ReadonlyMap<string, string>,
): Map<string, Click[]> {
  const { columns, rows } = parseCsv(text, file);
  const missing = NEEDED.filter((column) => !columns.includes(column));
  if (missing.length > 0) {
    throw new UnSAMError(
      "E_BAD_FILE",
      `${file} has no column ${missing.join(", ")}; it has ${columns.length > 0 ? columns.join(", ") : "none"}, and needs ${NEEDED.join(", ")}.`,
    );
  }
  const byImage = new Map<string, Click[]>();
  for (const row of rows) {
    const image = imageOf(row, file, photos);
    const clicks = byImage.get(image) ?? [];
    byImage.set(image, clicks);
    const hasAnnotator = (row.values.annotator ?? "").trim() !== "";
    clicks.push({
      image,
      annotator: hasAnnotator ? wholeNumber(row, "annotator", file, 0) : 1,
      region: wholeNumber(row, "region", file, Number.MIN_SAFE_INTEGER),
      x: wholeNumber(row, "x", file, 0),
      y: wholeNumber(row, "y", file, 0),
    });
  }
  return byImage;
}

/** The photo's name, with or without its ending. */
function imageOf({ line, values }: TableRow, file: string, photos: ReadonlyMap<string, string>): string {
  const name = (values.image ?? "").trim();
  if (photos.has(name)) return name;
  const stem = path.parse(name).name;
  if (isPhotoName(name) && photos.has(stem)) return stem;
  throw new UnSAMError("E_BAD_FILE", `${file}, line ${line}: there is no photo “${name}”.`);
}

function wholeNumber({ line, values }: TableRow, column: string, file: string, least: number): number {
  const text = (values[column] ?? "").trim();
  const value = /^[+-]?\d+(\.0*)?$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value) && value >= least) return value;
  const range = least === 0 ? " from 0" : "";
  throw new UnSAMError(
    "E_BAD_FILE",
    `${file}, line ${line}: ${column} is “${text}”; it must be a whole number${range}.`,
  );
}
