import { readdir } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { readFileBytes } from "@unsam/core/files";
import type { FastifyInstance } from "fastify";

/** Where the built page lies in the package. */
const FOLDER = fileURLToPath(new URL("../page", import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** Nothing from elsewhere, nothing inline, no frame around it, no plug-in; pictures also from the page's own memory. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const HEADERS = {
  "content-security-policy": POLICY,
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

/** The page: the files of its folder, read once, under their names. They hold no secret, so they need no token. */
export async function pageRoutes(app: FastifyInstance): Promise<void> {
  for (const name of await readdir(FOLDER)) {
    const type = TYPES[path.extname(name)];
    if (type === undefined) continue;
    const bytes = await readFileBytes(path.join(FOLDER, name), {
      what: "A file of the page",
      code: "E_IO",
    });
    const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const config = { needsNoToken: true };
    app.get(name === "index.html" ? "/" : `/${name}`, { config }, async (_, reply) =>
      reply.headers(HEADERS).type(type).send(body),
    );
  }
}
