export { createServer, type ServerOptions } from "./create-server.js";
export type { CacheOptions, RateOptions, ServiceLimits, ServiceOptions, UrlOptions } from "./options.js";
export { type PluginOptions, unsamService } from "./plugin.js";
export { type RunningServer, type ServeOptions, serve } from "./serve.js";
