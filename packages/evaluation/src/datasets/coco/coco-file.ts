import { UnSAMError } from "@unsam/core/errors";
import type { Size } from "../dataset.js";
import { foreignJson } from "../foreign-formats.js";
import type { Notes } from "../notes.js";

/** An entry of `images`. */
export interface CocoImage {
  readonly key: string;
  readonly fileName: string;
  /** null: the entry states none. */
  readonly stated: Size | null;
}

/** A COCO JSON, checked as far as `images` go. */
export interface CocoFile {
  /** By their keys, in the order of the file. */
  readonly images: ReadonlyMap<string, CocoImage>;
  readonly annotations: readonly unknown[];
  readonly title: string | null;
  readonly licence: string | null;
  readonly citation: string | null;
  readonly homepage: string | null;
}

/** Throws `E_BAD_FILE` for what is no COCO JSON, saying what it is where we know it. */
export function checkCoco(content: unknown, file: string, notes: Notes): CocoFile {
  const foreign = foreignJson(content);
  if (foreign) throw new UnSAMError("E_BAD_FILE", `${file} is ${foreign}.`);
  const { images, annotations, info, licenses } = (content ?? {}) as Record<string, unknown>;
  if (!Array.isArray(images) || !Array.isArray(annotations)) {
    const missing = ["images", "annotations"].filter(
      (key) => !Array.isArray((content as Record<string, unknown> | null)?.[key]),
    );
    throw new UnSAMError(
      "E_BAD_FILE",
      `${file} is no COCO JSON: it has no list ${missing.join(" and no list ")}.`,
    );
  }
  const text = (value: unknown) => (typeof value === "string" && value !== "" ? value : null);
  const about = (info ?? {}) as Record<string, unknown>;
  const names = (Array.isArray(licenses) ? licenses : [])
    .map((licence) => text(licence?.name))
    .filter(Boolean);
  return {
    images: imagesByKey(images, file, notes),
    annotations,
    title: text(about.description),
    licence: names.length > 0 ? names.join("; ") : null,
    citation: text(about.contributor),
    homepage: text(about.url),
  };
}

/**
 * An id as text; null for what is none. Ids are numbers or texts, and only name things: 7 and "7" are one. Throws
 * `E_BAD_FILE` for numbers that JSON readers round, so that two ids may have become one.
 */
export function idKey(id: unknown, where: string): string | null {
  if (typeof id === "string") return id === "" ? null : id;
  if (typeof id !== "number") return null;
  if (Math.abs(id) <= Number.MAX_SAFE_INTEGER) return String(id);
  throw new UnSAMError(
    "E_BAD_FILE",
    `${where} is ${id}, beyond ${Number.MAX_SAFE_INTEGER}, where JSON readers round numbers; write ids as text.`,
  );
}

function imagesByKey(list: readonly unknown[], file: string, notes: Notes): Map<string, CocoImage> {
  const images = new Map<string, CocoImage>();
  for (const [k, entry] of list.entries()) {
    const { id, file_name, width, height } = (entry ?? {}) as Record<string, unknown>;
    const where = `${file}: images[${k}]`;
    const key = idKey(id, `${where}.id`);
    if (key === null) throw new UnSAMError("E_BAD_FILE", `${where} has no id.`);
    if (typeof file_name !== "string" || file_name === "") {
      throw new UnSAMError("E_BAD_FILE", `${where} has no file_name.`);
    }
    const image = { key, fileName: file_name, stated: statedSize(width, height) };
    const earlier = images.get(key);
    if (earlier && JSON.stringify(earlier) !== JSON.stringify(image)) {
      throw new UnSAMError(
        "E_BAD_FILE",
        `${where} has the id ${key} of another image (${earlier.fileName}): which of them its annotations belong to cannot be told.`,
      );
    }
    if (earlier) notes.add("left-out", "image listed twice", "it is scored once", file_name);
    images.set(key, image);
  }
  return images;
}

function statedSize(width: unknown, height: unknown): Size | null {
  const [w, h] = [Number(width), Number(height)];
  return Number.isInteger(w) && Number.isInteger(h) && w > 0 && h > 0 ? { width: w, height: h } : null;
}
