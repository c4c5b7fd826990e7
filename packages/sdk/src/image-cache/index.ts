export { ImageCache, type ImageCacheOptions, type Lease } from "./image-cache.js";
export { bytesToEncode, imageName } from "./image-name.js";
export { SpillFolder } from "./spill-folder.js";
