import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import S3rver from "@20minutes/s3rver";
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { eachParked, enqueue, type ParkedPhoto, work } from "@unsam/queue";
import { UnSAM } from "@unsam/sdk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { paintPhotos, writeAlone } from "./support/photos.js";
import { freePort, noRedis, RedisServer } from "./support/redis-server.js";

const VARIABLES = ["AWS_ENDPOINT_URL_S3", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] as const;

describe.skipIf(noRedis !== null)(`a store that speaks S3${noRedis ? ` (skipped: ${noRedis})` : ""}`, () => {
  const folder = mkdtempSync(path.join(tmpdir(), "unsam-queue-s3-"));
  const before = VARIABLES.map((name) => process.env[name]);
  let server: RedisServer;
  let store: S3rver;
  let client: S3Client;
  let files: string[];

  beforeAll(async () => {
    const port = await freePort();
    // It reckons signatures of today's client otherwise than the client; what they must look like it checks all the same.
    const options = { silent: true, allowMismatchedSignatures: true, directory: path.join(folder, "store") };
    store = new S3rver({ port, address: "127.0.0.1", ...options });
    await store.run();
    const endpoint = `http://127.0.0.1:${port}`;
    // Known to this server.
    const credentials = { accessKeyId: "S3RVER", secretAccessKey: "S3RVER" };
    [endpoint, credentials.accessKeyId, credentials.secretAccessKey].forEach((value, i) => {
      process.env[VARIABLES[i]] = value;
    });
    client = new S3Client({ endpoint, credentials, region: "us-east-1", forcePathStyle: true });
    await client.send(new CreateBucketCommand({ Bucket: "photos" }));
    files = await paintPhotos(path.join(folder, "photos"), 3);
    for (const file of files) await put(`in/${path.basename(file)}`, readFileSync(file));
    await put("in/poison.png", Buffer.from("This is no PNG."));
    await put("in/notes.txt", Buffer.from("Nobody looks at this."));
    server = await RedisServer.start();
  });
  afterAll(async () => {
    VARIABLES.forEach((name, i) => {
      if (before[i] === undefined) delete process.env[name];
      else process.env[name] = before[i];
    });
    client?.destroy();
    await store?.close();
    await server?.end();
    rmSync(folder, { recursive: true });
  });

  const put = (Key: string, Body: Uint8Array) =>
    client.send(new PutObjectCommand({ Bucket: "photos", Key, Body }));
  const load = () => UnSAM.load({ model: "region-tree" });

  it("gives photos and takes results, each the same as in a folder", async () => {
    await using unsam = await load();
    const redis = server.address;
    const run = { unsam, redis, model: { model: "region-tree" }, formats: ["json", "coco.json"] };
    const ids = new Map<string, string>();
    const enqueued = await enqueue({
      ...{ ...run, inputs: ["s3://photos/in/"], out: "s3://photos/results" },
      onPhoto: (photo, id) => void ids.set(photo, id),
    });
    expect(enqueued).toEqual({ photos: 4, added: 4, known: 0, failed: 0 });
    expect(await work({ redis, load, untilDone: true })).toEqual({ done: 3, there: 0, parked: 1 });
    const parked: ParkedPhoto[] = [];
    await eachParked({ redis }, (photo) => parked.push(photo));
    expect(parked).toMatchObject([{ photo: "s3://photos/in/poison.png", code: "E_BAD_IMAGE" }]);

    const { Contents = [] } = await client.send(
      new ListObjectsV2Command({ Bucket: "photos", Prefix: "results/" }),
    );
    const keys: string[] = [];
    for (const file of files) {
      const id = ids.get(`s3://photos/in/${path.basename(file)}`)!;
      const alone = path.join(folder, id);
      await writeAlone(unsam, file, alone);
      for (const end of ["json", "coco.json"]) {
        const Key = `results/${id.slice(0, 2)}/${id}.${end}`;
        const { Body } = await client.send(new GetObjectCommand({ Bucket: "photos", Key }));
        expect((await Body!.transformToString()) === readFileSync(`${alone}.${end}`, "utf8"), Key).toBe(true);
        keys.push(Key);
      }
    }
    expect(Contents.map(({ Key }) => Key).sort()).toEqual(keys.sort());
    // The same photos as files, into the same place: what is there is not made again.
    await enqueue({ ...run, inputs: files, out: "s3://photos/results", queue: "files" });
    expect(await work({ redis, load, queue: "files", untilDone: true })).toMatchObject({ done: 3, there: 3 });
  });

  it("says what is not there", async () => {
    await using unsam = await load();
    const run = { unsam, redis: server.address, model: { model: "region-tree" }, queue: "missing" };
    await expect(enqueue({ ...run, inputs: files, out: "s3://no-such-bucket/x" })).rejects.toThrow(
      /^s3:\/\/no-such-bucket\/ could not be reached \(.*AWS_ENDPOINT_URL_S3/,
    );
    const said: string[] = [];
    const inputs = ["s3://photos/in/none.png"];
    const options = { ...run, inputs, out: path.join(folder, "out") };
    expect(await enqueue({ ...options, onFailure: (_, { message }) => said.push(message) })).toMatchObject({
      failed: 1,
    });
    expect(said).toEqual(["There is no s3://photos/in/none.png."]);
  });
});
