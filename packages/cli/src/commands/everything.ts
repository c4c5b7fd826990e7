import { UnSAMError } from "@unsam/core/errors";
import type { GranularityLevel, TiledOptions } from "@unsam/sdk";
import { Command } from "commander";
import { bound, count, granularities, repeatable } from "../arguments.js";
import { suggest } from "../completion/suggestions.js";
import { markRepeatable } from "../defaults/default-flags.js";
import {
  type AnnotationFlags,
  checkAnnotationFlags,
  checkStandardOutput,
  formatNamed,
  placeOf,
  SCENE_FORMATS,
  type SceneFormat,
  type ScenePlace,
} from "../everything/formats.js";
import { everythingOfImage } from "../everything/one-image.js";
import { everythingOfPhotos } from "../everything/photos.js";
import { type SearchFlags, searchOptions, withSearchOptions } from "../everything/search-flags.js";
import { everythingOfTiles, tiledPlaces } from "../everything/tiled.js";
import { withExamples } from "../help/examples.js";
import { checkImageFlags, type ImageFlags, withImageOptions } from "../images/image-flags.js";
import { STANDARD } from "../images/image-source.js";
import { type NamedImages, nameImages } from "../images/name-images.js";
import { loadModel, type ModelOptions, modelOf } from "../load-model.js";
import { ownFamilies } from "../own-families.js";
import { IMAGES, withModelOptions } from "../prompt-flags.js";
import type { Interrupt } from "../terminal/interrupt.js";

interface EverythingFlags extends ModelOptions, ImageFlags, AnnotationFlags, SearchFlags {
  readonly out?: string[];
  readonly format?: string[];
  readonly at?: GranularityLevel | GranularityLevel[];
  readonly json?: true;
  readonly tiles?: number;
  readonly overlap?: number;
}

const FORMATS = SCENE_FORMATS.map(({ suffix, about }) => `${suffix} (${about})`).join(", ");

export function everythingCommand({ signal }: Interrupt): Command {
  const bare = withImageOptions(withModelOptions(new Command("everything")))
    .description("Segment everything in photos, at all granularities.")
    .argument("<images...>", IMAGES)
    .option(
      "--calibration <file>",
      "what unsam calibrate wrote: granularities then mean what it was fitted to",
    );
  const command = withSearchOptions(bare)
    .option("--tiles <pixels>", "for images larger than memory: segment tiles of this side, e.g. 2048", count)
    .option("--overlap <pixels>", "with --tiles: what neighbouring tiles share (default: an eighth)", count)
    .option(
      "--out <file|dir>",
      `repeatable; by the end of the name: ${FORMATS}; - for standard output`,
      repeatable,
    )
    .option(
      "--format <suffix>",
      "for several photos, repeatable, and for --out -: json (default), coco.json, png …",
      repeatable,
    )
    .option(
      "--at <g|g,g,…>",
      "granularities that pictures show (default 0.5); label maps the first",
      granularities,
    )
    .option("--simplify <pixels>", "annotations get outlines that lie so near the exact ones", bound)
    .option("--georeference", "write .geojson where the photo lies on the map: world file, GeoTIFF")
    .option("--epsg <code>", "with --georeference: the map's coordinates, where nothing names them", count)
    .option("--json", "print one JSON document to standard output")
    .action((given: string[], flags: EverythingFlags) => everything(given, flags, signal));
  suggest(
    command,
    "--format",
    SCENE_FORMATS.map(({ suffix }) => suffix.slice(1)),
  );
  markRepeatable(command, "--out", "--format");
  return withExamples(command, [
    ["unsam everything street.jpg --out scene.json --out scene.png", "all masks, and a picture of them"],
    ["unsam everything photos 'more/*.jpg' --out scenes --format coco.json", "each photo that is named"],
    [
      "unsam everything street.jpg --out street.labelme.json --simplify 1",
      "outlines to be corrected by hand",
    ],
    ["unsam everything map.tif --tiles 2048 --out map.geojson", "an image larger than memory"],
  ]);
}

async function everything(
  given: readonly string[],
  flags: EverythingFlags,
  signal: AbortSignal,
): Promise<void> {
  checkImageFlags(flags);
  const images = await nameImages(given, flags, signal);
  // Before the output folder is made: a slip in the flags leaves nothing behind.
  const families = await ownFamilies(flags, signal);
  modelOf(flags, families);
  const { maxPixels, calibration, out = [] } = flags;
  const annotations = { simplify: flags.simplify, georeference: flags.georeference, epsg: flags.epsg };
  const common = {
    options: searchOptions(flags),
    at: (Array.isArray(flags.at) ? flags.at : [flags.at ?? 0.5]) as GranularityLevel[],
    annotations,
    maxPixels,
    json: flags.json ?? false,
    signal,
  };
  const load = () => loadModel(flags, signal, families);
  checkTileFlags(flags, images);
  const [source] = images.sources;
  if (flags.tiles !== undefined) {
    const scenes = out.map((file) => placeOf(file));
    const places = tiledPlaces(scenes);
    checkAnnotationFlags(
      annotations,
      scenes.map(({ format }) => format),
    );
    const { tiles: tile, overlap, granularity } = flags;
    const options = {
      ...common.options,
      granularity: granularity as TiledOptions["granularity"],
      tile,
      overlap,
      maxPixels,
    };
    await everythingOfTiles({ source, options, out: places, annotations, json: common.json, signal }, load);
  } else if (images.areSeveral) {
    const formats = formatsOfSeveral(given, flags);
    const named = given.length === 1 ? given[0] : null;
    const photos = { photos: images.sources, named, out: out[0], flags, formats, calibration };
    await everythingOfPhotos({ ...photos, ...common }, load);
  } else {
    await everythingOfImage({ source, flags, out: placesOfOne(flags), ...common }, load);
  }
}

/** Where the scene of one photo goes. Throws `E_BAD_OPTION`. */
function placesOfOne(flags: EverythingFlags): ScenePlace[] {
  const { out = [], format } = flags;
  const toStandardOutput = out.includes(STANDARD);
  if (format && !(toStandardOutput && format.length === 1)) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      "--format is for several photos and, once, for --out -; the end of --out names the format of a file.",
    );
  }
  const places = out.map((file) => placeOf(file, format?.[0]));
  const formats = places.map(({ format }) => format);
  checkAnnotationFlags(flags, formats);
  if (toStandardOutput) checkStandardOutput(places, flags.json);
  // The text that is printed without --json tells of a granularity, too.
  if (flags.json) checkAt(flags, formats);
  return places;
}

/** What is written of each of several photos. Throws `E_BAD_OPTION`. */
function formatsOfSeveral([first, ...more]: readonly string[], flags: EverythingFlags): SceneFormat[] {
  const { out = [], format } = flags;
  const who = more.length > 0 ? "There may be several photos" : `${first} may be several photos`;
  if (out.includes(STANDARD)) {
    throw new UnSAMError("E_BAD_OPTION", `${who}; standard output holds the result of one.`);
  }
  if (out.length !== 1) {
    throw new UnSAMError("E_BAD_OPTION", `${who}; give one folder as --out for their files.`);
  }
  const formats = [...new Set(format ?? ["json"])].map(formatNamed);
  checkAt(flags, formats);
  checkAnnotationFlags(flags, formats);
  return formats;
}

/** Throws `E_BAD_OPTION` for what has no part in a run over tiles, and for what only has one there. */
function checkTileFlags(flags: EverythingFlags, { areSeveral }: NamedImages): void {
  const { tiles, overlap, at, calibration, format, granularity, out = [] } = flags;
  const refuse = (what: string) => {
    throw new UnSAMError("E_BAD_OPTION", what);
  };
  if (tiles === undefined) {
    if (overlap !== undefined)
      refuse("--overlap is what tiles share; give --tiles with it, or leave it out.");
    return;
  }
  if (areSeveral) refuse("--tiles is for one image; name one file.");
  if (at !== undefined) refuse("--at says what pictures show, and with --tiles none is drawn; leave it out.");
  if (calibration !== undefined) {
    refuse("--calibration says what granularity means, and with --tiles it means size; leave it out.");
  }
  if (format !== undefined || out.includes(STANDARD)) {
    refuse("With --tiles, --out names a file, and the end of its name the format; leave out --format and -.");
  }
  if (granularity !== undefined && !(Array.isArray(granularity) && granularity.length === 2)) {
    refuse("With --tiles, --granularity is a range of sizes: a..b, from 0 (64 pixels) to 1 (the image).");
  }
}

/** Throws `E_BAD_OPTION` where `--at` is given and nothing shows it. */
function checkAt({ at }: EverythingFlags, formats: readonly SceneFormat[]): void {
  if (at === undefined || formats.some(({ showsGranularities }) => showsGranularities)) return;
  throw new UnSAMError(
    "E_BAD_OPTION",
    "--at says which granularities pictures show, but no picture is written; leave it out, or write .png or .labels.png.",
  );
}
