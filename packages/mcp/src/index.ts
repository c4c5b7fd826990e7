export { LookedAt, type LookedAtOptions } from "./looked-at.js";
export { mcpServer } from "./mcp-server.js";
export { PhotoFolders } from "./photo-folders.js";
export { type ServeOptions, serveTools } from "./serve.js";
