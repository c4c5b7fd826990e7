import type { S3Client } from "@aws-sdk/client-s3";
import { UnSAMError } from "@unsam/core/errors";
import { isPhotoName, reasonOf } from "@unsam/core/files";

type S3 = typeof import("@aws-sdk/client-s3");

/** For one request with its body; photos and results are megabytes. */
const REQUEST_MS = 120_000;

let loaded: Promise<{ s3: S3; client: S3Client }> | null = null;

/**
 * One bucket of a store that speaks S3. Which store, and as whom, say the variables that all tools of S3 know: AWS_ENDPOINT_URL_S3,
 * AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE …
 */
export class S3Store {
  readonly #s3: S3;
  readonly #client: S3Client;
  readonly bucket: string;

  private constructor(s3: S3, client: S3Client, bucket: string) {
    this.#s3 = s3;
    this.#client = client;
    this.bucket = bucket;
  }

  /** Throws `E_UNSUPPORTED` where the package that speaks S3 is not installed. */
  static async open(bucket: string): Promise<S3Store> {
    loaded ??= load();
    const { s3, client } = await loaded;
    return new S3Store(s3, client, bucket);
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

  /** The bytes of an object as they come. Throws `E_IO`; `E_BAD_IMAGE` where there is none. */
  async pieces(key: string, signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const { Body } = await this.#asked(key, signal, (abortSignal) =>
      this.#client.send(new this.#s3.GetObjectCommand({ Bucket: this.bucket, Key: key }), { abortSignal }),
    );
    const body = Body as AsyncIterable<Uint8Array>;
    const asked = this.#asked.bind(this);
    return (async function* () {
      const iterator = body[Symbol.asyncIterator]();
      try {
        for (;;) {
          const { done, value } = await asked(key, signal, () => iterator.next());
          if (done) return;
          yield value;
        }
      } finally {
        await iterator.return?.();
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

  async #asked<T>(key: string, signal: AbortSignal, ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await ask(AbortSignal.any([signal, AbortSignal.timeout(REQUEST_MS)]));
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

async function load(): Promise<{ s3: S3; client: S3Client }> {
  const s3 = await import("@aws-sdk/client-s3").catch((cause) => {
    throw new UnSAMError(
      "E_UNSUPPORTED",
      "s3:// needs the package @aws-sdk/client-s3, which is not installed; run npm i @aws-sdk/client-s3.",
      { cause },
    );
  });
  const endpoint = process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL;
  const region = process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION;
  // Stores of one's own have one host name for all buckets, know no region, and not all of them know new checksums.
  const own = endpoint === undefined ? {} : { endpoint, forcePathStyle: true, region: region ?? "us-east-1" };
  const client = new s3.S3Client({
    ...own,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  return { s3, client };
}

function statusOf(error: unknown): number | undefined {
  return (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode;
}
