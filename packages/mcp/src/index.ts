export { EncodedPhotos, type EncodedPhotosOptions } from "./encoded-photos.js";
export { mcpServer } from "./mcp-server.js";
export { PhotoFolders } from "./photo-folders.js";
export { type ServeOptions, serveTools } from "./serve.js";
