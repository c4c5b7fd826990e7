import { ANNOTATION_FORMATS } from "@unsam/core/annotation-formats";
import { UnSAMError } from "@unsam/core/errors";
import type { SceneHierarchy } from "@unsam/sdk";

/** What a result is: a scene, in a file that the SDK writes. */
export interface ResultFormat {
  /** "json", "coco.json" … */
  readonly name: string;
  readonly type: string;
  write(scene: SceneHierarchy, file: string, context: WriteContext): Promise<void>;
}

export interface WriteContext {
  /** Name of the photo's file, which annotations tell. */
  readonly fileName: string;
  readonly simplify: number | undefined;
  readonly signal: AbortSignal;
}

const SCENE: ResultFormat = {
  name: "json",
  type: "application/json",
  write: (scene, file, { signal }) => scene.save(file, { signal }),
};

/** The scene without loss, and all formats for annotations; pictures are for people, who look at one photo. */
export const RESULT_FORMATS: readonly ResultFormat[] = [
  SCENE,
  ...ANNOTATION_FORMATS.map(({ name: format, suffixes, content }) => ({
    name: suffixes[0].slice(1),
    type: content === "JSON" ? "application/json" : "text/plain; charset=utf-8",
    write: async (
      scene: SceneHierarchy,
      file: string,
      { fileName, simplify, signal }: WriteContext,
    ): Promise<void> => {
      await scene.export(file, { format, fileName, simplify, signal });
    },
  })),
];

/** Formats by their names, each once. Throws `E_BAD_OPTION`. */
export function resultFormats(
  names: readonly string[],
  simplify: number | undefined,
): readonly ResultFormat[] {
  const formats = [...new Set(names.map((name) => name.toLowerCase()))].map((name) => {
    const found = RESULT_FORMATS.find((format) => format.name === name);
    if (found) return found;
    const known = RESULT_FORMATS.map((format) => format.name).join(", ");
    throw new UnSAMError(
      "E_BAD_OPTION",
      `The format ${JSON.stringify(name.slice(0, 60))} is not known; give ${known}.`,
    );
  });
  if (simplify !== undefined && formats.every((format) => format === SCENE)) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      "--simplify is about outlines in annotations, and none are written; give --format, or leave it out.",
    );
  }
  return formats;
}
