import { Ajv2020 } from "ajv/dist/2020.js";
import { afterAll, beforeAll, expect, it } from "vitest";
import { RequestMaker, randomOf, type Schema } from "./requests-of-schema.js";
import { photo, type Running, start } from "./server.js";

/** How many requests; more by hand: `UNSAM_FUZZ=5000 npx vitest run …`. */
const REQUESTS = Number(process.env.UNSAM_FUZZ ?? 1000);
const SEED = Number(process.env.UNSAM_FUZZ_SEED ?? 1);

interface Operation {
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: Schema }>> }>
  >;
}
interface Description {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

let running: Running;
let description: Description;
beforeAll(async () => {
  const limits = { photoBytes: 50_000, pixels: 20_000 };
  // Nobody listens there.
  running = await start({ limits, labelStudio: { url: "http://127.0.0.1:9" } });
  description = (await (await fetch(`${running.address}/openapi.json`)).json()) as Description;
});
afterAll(() => running.app.close());

const ajv = new Ajv2020({ strict: false });

/** Why an answer is not what the description says of it; null: it is. */
async function problemOf(response: Response, { responses }: Operation): Promise<string | null> {
  const { status } = response;
  if (status >= 500 && status !== 503) return `${status}: ${await response.text()}`;
  const described = responses[status] ?? responses[`${Math.floor(status / 100)}XX`];
  if (!described) return `${status} is not described`;
  const text = await response.text();
  const type = (response.headers.get("content-type") ?? "").split(";")[0];
  if (status === 204) return text === "" ? null : "204 with a body";
  if (type === "image/png" || type === "text/plain") return null;
  const values = type === "application/x-ndjson" ? text.trimEnd().split("\n") : [text];
  if (type === "text/event-stream")
    values.splice(0, 1, ...[...text.matchAll(/^data: (.*)$/gm)].map(([, one]) => one));
  const schema = (described.content?.[type] ?? described.content?.["application/json"])?.schema;
  if (!schema) return `${type} is not described`;
  for (const value of values) {
    if (!ajv.validate(schema, JSON.parse(value)))
      return `${status}: ${ajv.errorsText()} in ${value.slice(0, 300)}`;
    if (/node_modules|\/dist\/|\n\s+at /.test(value)) return `it tells of the service's inside: ${value}`;
  }
  return null;
}

it("describes itself in OpenAPI 3.1", () => {
  expect(description.openapi).toBe("3.1.0");
  expect(Object.keys(description.paths)).toContain("/v1/images/{id}/everything");
});

it(`answers ${REQUESTS} requests made from its own description as that says, and none with a fault`, async () => {
  const random = randomOf(SEED);
  const make = new RequestMaker(random, 0.08);
  const photos = await Promise.all([0, 1, 2].map((shade) => photo(shade)));
  const ids = ["0".repeat(64), (await running.client.addImage(photos[0])).id];
  const operations = Object.entries(description.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const statuses = new Map<number, number>();

  const bodyFor = (operation: Operation): { body?: RequestInit["body"]; type?: string } => {
    const content = operation.requestBody?.content;
    if (!content) return {};
    const type = make.pick(Object.keys(content));
    const bytes = random() < 0.7 ? make.pick(photos) : photos[0].subarray(0, Math.floor(random() * 300));
    if (type === "image/*") return { body: bytes as Uint8Array<ArrayBuffer>, type: "image/png" };
    if (type === "multipart/form-data") {
      const form = new FormData();
      const prompts =
        description.paths["/v1/images/{id}/segment"].post.requestBody!.content["application/json"];
      if (random() < 0.9) form.set("image", new Blob([bytes as Uint8Array<ArrayBuffer>]), "a.png");
      if (random() < 0.8) form.set("request", JSON.stringify(make.value(prompts.schema)));
      return { body: form };
    }
    const body = JSON.stringify(make.value(content[type].schema));
    return { body: random() < 0.05 ? body.slice(0, -2) : body, type: random() < 0.03 ? "text/plain" : type };
  };

  for (let i = 0; i < REQUESTS; i++) {
    const { path, method, operation } = make.pick(operations);
    const id = random() < 0.85 ? ids[1] : make.pick([ids[0], "x", "%00", "..%2f..", "a".repeat(500)]);
    const { body, type } = bodyFor(operation);
    const accept = make.pick([
      "*/*",
      "application/json",
      "image/png",
      "application/x-ndjson",
      "text/event-stream",
      "x",
    ]);
    const headers: Record<string, string> = { accept, ...(type ? { "content-type": type } : {}) };
    const response = await fetch(running.address + path.replace("{id}", id), {
      method,
      headers,
      ...(body === undefined ? {} : { body }),
    });
    statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
    const what = `seed ${SEED}, request ${i}: ${method} ${path} ${accept} ${typeof body === "string" ? body.slice(0, 500) : ""}`;
    expect(await problemOf(response, operation), what).toBeNull();
    if (method === "DELETE") ids[1] = (await running.client.addImage(photos[0])).id;
  }
  // It was no row of refusals.
  expect(statuses.get(200)).toBeGreaterThan(REQUESTS / 5);
  expect([...statuses.keys()]).toEqual(expect.arrayContaining([200, 400, 404, 422]));
  expect(await running.client.health()).toEqual({ status: "ok" });
});
