import { createServer, type ServerOptions } from "@unsam/server";
import { UnSAMClient } from "@unsam/server/client";
import type { FastifyInstance } from "fastify";
import sharp from "sharp";

/** A photo of three plain regions on a plain ground; `shade` makes it another one. */
export async function photo(shade = 0, width = 96, height = 72): Promise<Uint8Array<ArrayBuffer>> {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">
    <rect width="100%" height="100%" fill="rgb(${shade}, 90, 60)"/>
    <rect x="10" y="10" width="30" height="40" fill="rgb(220, 40, 40)"/>
    <circle cx="${width - 25}" cy="30" r="15" fill="rgb(40, 200, 240)"/>
  </svg>`;
  return new Uint8Array(await sharp(Buffer.from(svg)).png().toBuffer());
}

export interface Running {
  readonly app: FastifyInstance;
  readonly address: string;
  readonly client: UnSAMClient;
}

/** A service on the region tree, on a port of the loopback. */
export async function start(options: ServerOptions = {}, token?: string): Promise<Running> {
  const app = await createServer({ load: { model: "region-tree" }, rate: false, ...options });
  const address = await app.listen({ port: 0, host: "127.0.0.1" });
  return { app, address, client: new UnSAMClient({ address, token }) };
}

/** The value of a line of Prometheus' text. */
export function metric(text: string, line: string): number {
  const found = text.split("\n").find((one) => one.startsWith(`${line} `));
  return found === undefined ? 0 : Number(found.slice(line.length + 1));
}
