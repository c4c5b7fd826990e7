export { findGeoreference, requireGeoreference } from "./find.js";
export { readGeoTiff } from "./geotiff.js";
export { type GeoTransform, isMirrored, isSound, toMap, toPixel } from "./transform.js";
export { parseWorldFile, worldFileNames } from "./world-file.js";
