export { createServer, type ServerOptions } from "./create-server.js";
export { clientGone } from "./http/client-gone.js";
export { refusalOf } from "./http/errors.js";
export { guardLocal } from "./http/guard-local.js";
export type {
  CacheOptions,
  LabelStudioOptions,
  RateOptions,
  ServiceLimits,
  ServiceOptions,
  UrlOptions,
} from "./options.js";
export { type PluginOptions, unsamService } from "./plugin.js";
export { type RunningServer, type ServeOptions, serve } from "./serve.js";
export { ServiceError, type ServiceErrorCode } from "./service-error.js";
