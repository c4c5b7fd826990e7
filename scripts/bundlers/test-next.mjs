// `npm run test:next [-- FOLDER]`: the recipe for Next.js of docs/bundlers.md with `next build` and `next start`; FOLDER as for
// test:bundlers. By hand, not in CI: Next.js is 150 MB, and its build takes a minute.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import path from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, it } from "node:test";
import { cleanEnvironment, Installation } from "../packages/installation.mjs";
import { assertAnswers, installRelease, writeFiles } from "./recipes.mjs";

const LAYOUT = `export default function Layout({ children }) {
  return <html lang="en"><body>{children}</body></html>;
}
`;
const PAGE = "app/api/segment/route.js";

for (const [version, bundler] of [
  ["16.4.6", "Turbopack"],
  ["15.5.29", "webpack"],
]) {
  describe(`Next.js ${version} (${bundler})`, () => {
    const installed = new Installation({ NEXT_TELEMETRY_DISABLED: "1" });
    after(() => installed.remove());
    before(async () => {
      await installRelease(installed, process.argv[2], `next@${version}`, "react@19", "react-dom@19");
      writeFiles(installed, "next.config.mjs", PAGE);
      installed.write("app/layout.jsx", LAYOUT);
      await installed.run("npx", "--no-install", "next", "build");
    });

    it("answers from a route, with nano and the addon", async () => {
      const env = { ...cleanEnvironment, UNSAM_CACHE: path.join(installed.folder, "cache") };
      const next = path.join(installed.folder, "node_modules/next/dist/bin/next");
      const options = { cwd: installed.folder, env, stdio: ["ignore", "pipe", "inherit"] };
      const server = spawn(process.execPath, [next, "start", "--port", "0"], options);
      try {
        let address;
        for await (const line of createInterface({ input: server.stdout })) {
          address ??= /http:\/\/localhost:\d+/.exec(line)?.[0];
          if (/Ready/.test(line)) break;
        }
        assert.ok(address, "It ended before it listened.");
        await assertAnswers(`${address}/api/segment`);
      } finally {
        server.kill();
      }
    });
  });
}
