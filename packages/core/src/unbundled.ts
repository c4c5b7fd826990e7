import { existsSync } from "node:fs";
import { UnSAMError } from "./errors.js";

// Imported first by the SDK, before what a bundle cannot load fails with words of its own. Worker threads, the network's weights
// and the addon are files of our packages: code that a bundler moved elsewhere does not find them (docs/bundlers.md).
declare const __webpack_require__: unknown;

/** Where this module lies; a bundle of CommonJS knows no such thing. */
const here = import.meta.url as string | undefined;
// webpack writes the address on the machine that built: there the files are found, nowhere else.
const byWebpack = typeof __webpack_require__ !== "undefined";

if (byWebpack || here === undefined || !existsSync(new URL("./runtime/worker-entry.js", here))) {
  throw new UnSAMError(
    "E_UNSUPPORTED",
    "@unsam/sdk was put into a bundle, where its worker threads, weights and addon are not found; leave it out " +
      '(esbuild: --external:@unsam/sdk, webpack: externals: ["@unsam/sdk"], Next.js: serverExternalPackages: ["@unsam/sdk"]) and ' +
      "have it in node_modules where the bundle runs: https://github.com/unsam/unsam-node/blob/main/docs/bundlers.md",
  );
}
