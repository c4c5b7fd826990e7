import { BlockList, isIP } from "node:net";
import { UnSAMError } from "@unsam/sdk";
import type { FastifyInstance } from "fastify";
import { createServer, type ServerOptions } from "./create-server.js";

export interface ServeOptions extends ServerOptions {
  /** Default 127.0.0.1. */
  readonly host?: string | undefined;
  /** Default 3000; 0: any that is free. */
  readonly port?: number | undefined;
  /** Listens beyond the loopback without tokens: for networks where everybody may use the service. */
  readonly withoutToken?: boolean | undefined;
}

export interface RunningServer {
  readonly app: FastifyInstance;
  /** Where it listens: "http://127.0.0.1:3000". */
  readonly address: string;
  /** Takes no more requests, ends those that it took, and releases all. */
  stop(): Promise<void>;
}

/**
 * Starts the service. Throws `E_BAD_OPTION` where it would listen beyond the loopback without tokens, `E_IO` where it cannot
 * listen, and what `createServer` throws.
 */
export async function serve({
  host = "127.0.0.1",
  port = 3000,
  withoutToken = false,
  ...options
}: ServeOptions = {}): Promise<RunningServer> {
  const hasTokens = (options.tokens?.length ?? 0) > 0;
  const isLocal = isLoopback(host);
  if (!isLocal && !hasTokens && !withoutToken) {
    throw new UnSAMError(
      "E_BAD_OPTION",
      `The service would listen on ${host} for everybody who can reach it; give tokens, or say that none is wanted.`,
    );
  }
  const app = await createServer({
    measure: true,
    loopbackNamesOnly: isLocal && !hasTokens,
    ...options,
  });
  try {
    const address = await app.listen({ host, port });
    return { app, address, stop: () => stop(app, options.graceMs ?? 30_000) };
  } catch (cause) {
    await app.close();
    const { code } = cause as NodeJS.ErrnoException;
    throw new UnSAMError(
      "E_IO",
      `The service cannot listen on ${host}, port ${port}: ${code ?? "it failed"}.`,
      {
        cause,
      },
    );
  }
}

async function stop(app: FastifyInstance, graceMs: number): Promise<void> {
  // It listens on while it ends what it took, so that others are told that it stops.
  await app.unsam.drain(graceMs);
  await app.close();
}

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8, "ipv4");
loopback.addAddress("::1", "ipv6");

function isLoopback(host: string): boolean {
  const family = isIP(host);
  if (family === 0) return host.toLowerCase() === "localhost";
  return loopback.check(host, family === 4 ? "ipv4" : "ipv6");
}
