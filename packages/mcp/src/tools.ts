import { UnSAMError } from "@unsam/core/errors";
import type { EncodedImage, Mask, PromptInput, SceneHierarchy, SceneMask } from "@unsam/sdk";
import { type Picture, pictureOf } from "./picture.js";
import type { TOOLS, ToolInput, ToolOutput } from "./schemas.js";

/** What a tool says: for programs, for people, and for the eye. */
export interface Answer<T extends keyof typeof TOOLS> {
  readonly structured: ToolOutput<T>;
  readonly say: string;
  readonly picture: Picture | null;
}

/** What is asked of the photo. */
type Asked<T extends keyof typeof TOOLS> = Omit<ToolInput<T>, "image">;

const DEFAULT_MOST = 100;

export async function segment(
  image: EncodedImage,
  { points, box, granularity, rle = false, picture = true }: Asked<"segment">,
  signal: AbortSignal,
): Promise<Answer<"segment">> {
  const prompt = promptOf({ points, box });
  const given = granularity ?? (image.model.capabilities.granularity ? "auto" : undefined);
  const found = await image.segment({ ...prompt, granularity: given } as PromptInput, { signal });
  const { mask, score, stability } = found;
  const structured = {
    ...sizeOf(image),
    ...shapeOf(mask, score, rle),
    ...{ stability, granularity: found.granularity },
  };
  const at = found.granularity === null ? "" : ` at granularity ${found.granularity.toFixed(2)}`;
  return {
    structured,
    say: `One mask of ${percent(structured.share)} of the photo${at}, score ${score.toFixed(2)}, ${boxText(structured.bbox)}.`,
    picture: picture ? await pictureOf(await found.overlay()) : null,
  };
}

export async function ladder(
  image: EncodedImage,
  { points, box, levels = 10, rle = false, picture = true }: Asked<"ladder">,
  signal: AbortSignal,
): Promise<Answer<"ladder">> {
  const found = await image.ladder(promptOf({ points, box }), { levels, signal });
  const scales = found.distinct.map(({ segment, levels: of, range: [from, to] }) => ({
    ...shapeOf(segment.mask, segment.score, rle),
    range: [from, to] as [number, number],
    isStable: of.includes(found.stable.granularity as number),
  }));
  const sizes = scales.map(({ share }) => percent(share)).join(", ");
  return {
    structured: { ...sizeOf(image), scales },
    say: `${scales.length} different scales from fine to coarse: ${sizes} of the photo.`,
    picture: picture ? await pictureOf(await found.toSheet({ tile: 320, signal })) : null,
  };
}

type Searched = Pick<ToolInput<"everything">, "granularity" | "minRegionArea">;

export async function everything(
  image: EncodedImage,
  { rle = false, picture = true, most = DEFAULT_MOST, ...searched }: Asked<"everything">,
  signal: AbortSignal,
): Promise<Answer<"everything">> {
  const scene = await sceneOf(image, searched, signal);
  const listed = largest(scene.masks, most);
  const masks = listed.map((mask) => ({
    ...shapeOf(mask.mask, mask.score, rle),
    ...{ id: mask.id, parent: mask.parent?.id ?? null, granularity: mask.granularity },
  }));
  return {
    structured: { ...sizeOf(image), found: scene.masks.length, masks },
    say: `${scene.masks.length} masks, ${scene.roots.length} of them whole${cutOff(listed, scene)}.`,
    picture: picture ? await pictureOf(await scene.overlay({ signal })) : null,
  };
}

export async function describeScene(
  image: EncodedImage,
  { picture = true, most = DEFAULT_MOST, ...searched }: Asked<"describe_scene">,
  signal: AbortSignal,
): Promise<Answer<"describe_scene">> {
  const scene = await sceneOf(image, searched, signal);
  const listed = largest(scene.roots, most);
  const wholes = listed.map((mask) => {
    const { share, bbox } = shapeOf(mask.mask, mask.score, false);
    return { id: mask.id, where: placeOf(mask, image), share, bbox, parts: countBelow(mask) };
  });
  const lines = wholes.map(
    ({ id, where, share, parts }) => `- mask ${id}, ${where}: ${percent(share)} of the photo, ${parts} parts`,
  );
  const head = `The photo has ${image.width} × ${image.height} pixels. ${scene.masks.length} masks were found, ${scene.roots.length} of them whole; what they show is not known.`;
  const text = [head, ...lines].join("\n");
  return {
    structured: { ...sizeOf(image), found: scene.masks.length, wholes, text },
    say: text,
    picture: picture ? await pictureOf(await scene.overlay({ signal })) : null,
  };
}

function sceneOf(image: EncodedImage, searched: Searched, signal: AbortSignal): Promise<SceneHierarchy> {
  const { granularity, minRegionArea } = searched;
  return Promise.resolve(image.everything({ granularity, minRegionArea, signal }));
}

function promptOf({ points, box }: Pick<ToolInput<"segment">, "points" | "box">): PromptInput {
  if (points || box) return { points, box } as PromptInput;
  throw new UnSAMError("E_BAD_PROMPT", "There is no prompt; give points, a box, or both.");
}

function sizeOf({ width, height }: EncodedImage): { width: number; height: number } {
  return { width, height };
}

function shapeOf(mask: Mask, score: number, withRle: boolean) {
  const { area, bbox, width, height } = mask;
  const shape = {
    area,
    share: area / (width * height),
    bbox: { ...bbox },
    score,
  };
  if (!withRle) return shape;
  const { size, counts } = mask.toRLE();
  return { ...shape, rle: { size: [size[0], size[1]] as [number, number], counts: counts as string } };
}

function largest(masks: readonly SceneMask[], most: number): SceneMask[] {
  return [...masks].sort((a, b) => b.area - a.area).slice(0, most);
}

function cutOff(listed: readonly SceneMask[], { masks }: SceneHierarchy): string {
  return listed.length < masks.length ? `; the ${listed.length} largest are listed` : "";
}

function countBelow(mask: SceneMask): number {
  return mask.children.reduce((sum, child) => sum + 1 + countBelow(child), 0);
}

/** In which ninth of the photo the middle of a mask lies. */
function placeOf({ bbox: { x, y, width, height } }: SceneMask, image: EncodedImage): string {
  const third = (at: number, whole: number) => Math.min(2, Math.floor((3 * at) / whole));
  const row = ["upper", "middle", "lower"][third(y + height / 2, image.height)];
  const column = ["left", "", "right"][third(x + width / 2, image.width)];
  return column === "" ? row : `${row} ${column}`;
}

function boxText({ x, y, width, height }: { x: number; y: number; width: number; height: number }): string {
  return `${width} × ${height} pixels at ${x}, ${y}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}
