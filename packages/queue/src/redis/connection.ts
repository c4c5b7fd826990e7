import { UnSAMError } from "@unsam/core/errors";
import { reasonOf } from "@unsam/core/files";
import { Redis } from "ioredis";
import type { RedisAddress } from "./address.js";
import { checkServer } from "./check-server.js";

const CONNECT_MS = 5000;
/** Between tries to connect again, at most. */
const MOST_WAIT_MS = 2000;

export interface ConnectionOptions {
  readonly signal: AbortSignal;
  /** Is told once when the connection is lost, and when it is there again. */
  readonly onConnection?: ((sentence: string) => void) | undefined;
}

/**
 * A connection that was tried, to a server that was checked. After that it reconnects by itself, whatever happens to the
 * server, and answers then what was asked meanwhile. Throws `E_IO`, `E_UNSUPPORTED`, or the signal's reason.
 */
export class RedisConnection implements AsyncDisposable {
  readonly client: Redis;
  readonly address: RedisAddress;
  readonly #copies: Redis[] = [];
  #isStarted = false;
  #isLost = false;
  #lastProblem: unknown = null;
  readonly #onReady: (() => void)[] = [];

  private constructor(address: RedisAddress, { onConnection }: ConnectionOptions) {
    this.address = address;
    this.client = new Redis(address.url, {
      lazyConnect: true,
      connectTimeout: CONNECT_MS,
      // Workers block in commands, and those that wait for a server to come back are not to fail.
      maxRetriesPerRequest: null,
      autoResendUnfulfilledCommands: true,
      retryStrategy: (tries) => (this.#isStarted ? Math.min(MOST_WAIT_MS, 50 * 2 ** tries) : null),
    });
    this.client.on("error", (problem) => {
      this.#lastProblem = problem;
    });
    // BullMQ blocks in a copy, which outlives a worker that cannot say goodbye because the server is gone.
    const duplicate = this.client.duplicate.bind(this.client);
    this.client.duplicate = (...words) => {
      const copy = duplicate(...words);
      this.#copies.push(copy);
      return copy;
    };
    this.client.on("close", () => {
      if (!this.#isStarted || this.#isLost) return;
      this.#isLost = true;
      onConnection?.(`The connection to Redis at ${address.shown} is lost; trying again until it is there.`);
    });
    this.client.on("ready", () => {
      if (!this.#isLost) return;
      this.#isLost = false;
      onConnection?.(`Redis at ${address.shown} is there again.`);
      for (const call of this.#onReady) call();
    });
  }

  static async open(address: RedisAddress, options: ConnectionOptions): Promise<RedisConnection> {
    options.signal.throwIfAborted();
    const connection = new RedisConnection(address, options);
    try {
      await connection.client.connect().catch((cause) => {
        throw connection.#refusal(cause);
      });
      await checkServer(connection.client, address);
      connection.#isStarted = true;
      return connection;
    } catch (error) {
      connection.client.disconnect();
      throw error;
    }
  }

  /** Is called each time the server has come back. */
  whenBack(call: () => void): void {
    this.#onReady.push(call);
  }

  /** Leaves at once; what waits for an answer fails. */
  close(): void {
    this.#isStarted = false;
    for (const client of [this.client, ...this.#copies]) client.disconnect();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #refusal(cause: unknown): UnSAMError {
    const problem = this.#lastProblem ?? cause;
    const reason = reasonOf(problem);
    const { shown } = this.address;
    if (/NOAUTH|WRONGPASS|invalid username-password|without any password/i.test(reason)) {
      const advice = "put the right one into the address, redis://USER:PASSWORD@HOST:PORT, in UNSAM_REDIS";
      return new UnSAMError("E_IO", `Redis at ${shown} does not take this password; ${advice}.`, { cause });
    }
    return new UnSAMError(
      "E_IO",
      `Redis does not answer at ${shown} (${reason}); start redis-server, or say where it is with --redis or UNSAM_REDIS.`,
      { cause },
    );
  }
}

/** Waits for an answer of the server, but no longer than the signal says. */
export async function answered<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  let stop = () => {};
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  });
  answer.catch(() => {});
  try {
    return await Promise.race([answer, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
