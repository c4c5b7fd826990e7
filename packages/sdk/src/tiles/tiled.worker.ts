import { writePieces } from "@unsam/core/files";
import { callersAbort } from "@unsam/core/runtime";
import type { TiledData } from "./tiled-data.js";
import { cocoText, geojsonText } from "./tiled-files.js";

// Worker side: tracing and writing tens of thousands of masks takes a while.

export function writeGeoJSON(path: string, scene: TiledData): Promise<void> {
  return writePieces(path, geojsonText(scene), callersAbort);
}

export function writeCOCO(path: string, scene: TiledData, imageId: number, fileName: string): Promise<void> {
  return writePieces(path, cocoText(scene, imageId, fileName), callersAbort);
}
