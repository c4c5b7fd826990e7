import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

/** Why the tests with a server are skipped; null: it is here. */
export const noRedis: string | null = spawnSync("redis-server", ["--version"]).error
  ? "there is no redis-server (apt-get install redis-server)"
  : null;

/** A Redis of its own, on a port of the loopback, which can be killed and started again on what it wrote. */
export class RedisServer {
  readonly #folder = mkdtempSync(path.join(tmpdir(), "unsam-redis-"));
  readonly #words: readonly string[];
  #process: ChildProcess | null = null;
  port = 0;

  private constructor(words: readonly string[]) {
    this.#words = words;
  }

  static async start(...words: string[]): Promise<RedisServer> {
    const server = new RedisServer(words);
    server.port = await freePort();
    await server.resume();
    return server;
  }

  get address(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  async resume(): Promise<void> {
    const words = ["--port", String(this.port), "--bind", "127.0.0.1", "--save", "", "--dir", this.#folder];
    const child = spawn("redis-server", [...words, ...this.#words], { stdio: ["ignore", "pipe", "inherit"] });
    this.#process = child;
    let log = "";
    for await (const piece of child.stdout) {
      log += piece;
      if (log.includes("Ready to accept connections")) break;
    }
    if (!log.includes("Ready to accept connections")) throw new Error(`redis-server did not start:\n${log}`);
  }

  async kill(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null || child.exitCode !== null) return;
    child.kill(signal);
    await once(child, "exit");
  }

  async end(): Promise<void> {
    await this.kill("SIGKILL");
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (typeof address !== "object" || address === null) throw new Error("There is no port.");
  return address.port;
}
