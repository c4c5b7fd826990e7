import type { Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import { UnSAMError } from "@unsam/core/errors";
import { isPhotoName, reasonOf } from "@unsam/core/files";
import { abortable } from "@unsam/core/runtime";

type S3 = typeof import("@aws-sdk/client-s3");

/** How long an answer may take; that of a body's next piece, too. */
const REQUEST_MS = 120_000;
/** A body that comes slower than this is given up, however often a byte of it comes: bytes a millisecond. */
const SLOWEST = 16;

/** One for each store that the variables have named: a client holds connections, and a store is opened for each photo. */
const clients = new Map<string, S3Client>();

/**
 * One bucket of a store that speaks S3. Which store, and as whom, say the variables that all tools of S3 know: AWS_ENDPOINT_URL_S3,
 * AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE …
 */
export class S3Store {
  readonly #s3: S3;
  readonly #client: S3Client;
  readonly bucket: string;
  readonly #patienceMs: number;

  private constructor(s3: S3, client: S3Client, bucket: string, patienceMs: number) {
    this.#s3 = s3;
    this.#client = client;
    this.bucket = bucket;
    this.#patienceMs = patienceMs;
  }

  /** Answers are waited for as long as `patienceMs` says. Throws `E_UNSUPPORTED` where the package that speaks S3 is not installed. */
  static async open(bucket: string, patienceMs = REQUEST_MS): Promise<S3Store> {
    const s3 = await load();
    return new S3Store(s3, clientOf(s3), bucket, patienceMs);
  }

  /** Throws `E_IO` where the bucket is not there or does not let us in. */
  async check(signal: AbortSignal): Promise<void> {
    await this.#asked("", signal, (abortSignal) =>
      this.#client.send(new this.#s3.HeadBucketCommand({ Bucket: this.bucket }), { abortSignal }),
    );
  }

  async has(key: string, signal: AbortSignal): Promise<boolean> {
    const found = await this.#asked(key, signal, (abortSignal) =>
      this.#client
        .send(new this.#s3.HeadObjectCommand({ Bucket: this.bucket, Key: key }), { abortSignal })
        .catch((error) => {
          if (statusOf(error) === 404) return null;
          throw error;
        }),
    );
    return found !== null;
  }

  /** An object appears whole or not at all. Throws `E_IO`. */
  async write(key: string, body: Uint8Array, type: string, signal: AbortSignal): Promise<void> {
    const command = { Bucket: this.bucket, Key: key, Body: body, ContentType: type };
    await this.#asked(key, signal, (abortSignal) =>
      this.#client.send(new this.#s3.PutObjectCommand(command), { abortSignal }),
    );
  }

  /** The bytes of an object as they come. Throws `E_IO`, also where they stay away; `E_BAD_IMAGE` where there is none. */
  async pieces(key: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const { Body } = await this.#asked(key, signal, (abortSignal) =>
      this.#client.send(new this.#s3.GetObjectCommand({ Bucket: this.bucket, Key: key }), { abortSignal }),
    );
    const body = Body as Readable;
    const asked = this.#asked.bind(this);
    const patienceMs = this.#patienceMs;
    return (async function* () {
      const iterator = body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
      const start = performance.now();
      let received = 0;
      try {
        for (;;) {
          const leftMs = start + patienceMs + received / SLOWEST - performance.now();
          const next = (late: AbortSignal) => abortable(iterator.next(), late);
          const { done, value } = await asked(key, signal, next, Math.min(patienceMs, leftMs));
          if (done) return;
          received += value.length;
          yield value;
        }
      } finally {
        // Not `iterator.return`, which waits for a piece that may never come.
        body.destroy();
      }
    })();
  }

  /** Names of photos whose keys begin so, a page of a thousand at a time. */
  async *photosBelow(prefix: string, signal: AbortSignal): AsyncGenerator<string> {
    let token: string | undefined;
    do {
      const page = { Bucket: this.bucket, Prefix: prefix, ContinuationToken: token };
      const { Contents = [], NextContinuationToken } = await this.#asked(prefix, signal, (abortSignal) =>
        this.#client.send(new this.#s3.ListObjectsV2Command(page), { abortSignal }),
      );
      for (const { Key = "" } of Contents) {
        if (isPhotoName(Key.split("/").at(-1) ?? "")) yield this.#name(Key);
      }
      token = NextContinuationToken;
    } while (token !== undefined);
  }

  #name(key: string): string {
    return `s3://${this.bucket}/${key}`;
  }

  async #asked<T>(
    key: string,
    signal: AbortSignal,
    ask: (signal: AbortSignal) => Promise<T>,
    patienceMs = this.#patienceMs,
  ): Promise<T> {
    try {
      return await ask(AbortSignal.any([signal, AbortSignal.timeout(Math.max(0, Math.ceil(patienceMs)))]));
    } catch (cause) {
      signal.throwIfAborted();
      const isGone = key !== "" && statusOf(cause) === 404;
      const { name } = cause as Error;
      throw new UnSAMError(
        isGone ? "E_BAD_IMAGE" : "E_IO",
        isGone
          ? `There is no ${this.#name(key)}.`
          : `${this.#name(key)} could not be reached (${name}: ${reasonOf(cause)}); ` +
              "the variables AWS_ENDPOINT_URL_S3, AWS_REGION, AWS_ACCESS_KEY_ID … say where and as whom.",
        { cause },
      );
    }
  }
}

function load(): Promise<S3> {
  return import("@aws-sdk/client-s3").catch((cause) => {
    throw new UnSAMError(
      "E_UNSUPPORTED",
      "s3:// needs the package @aws-sdk/client-s3, which is not installed; run npm i @aws-sdk/client-s3.",
      { cause },
    );
  });
}

function clientOf(s3: S3): S3Client {
  const endpoint = process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL;
  const region = process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
  const store = JSON.stringify([endpoint, region]);
  const known = clients.get(store);
  if (known) return known;
  // Stores of one's own have one host name for all buckets, know no region, and not all of them know new checksums.
  const own = endpoint === undefined ? {} : { endpoint, forcePathStyle: true, region: region ?? "us-east-1" };
  const client = new s3.S3Client({
    ...own,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  clients.set(store, client);
  return client;
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}
