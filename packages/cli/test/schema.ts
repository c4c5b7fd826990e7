import { readFile } from "node:fs/promises";
import { inRepository } from "@unsam/test-support";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "vitest";

/** Holds a document against a schema of docs/schemas. */
export async function expectSchema(name: string, text: string): Promise<void> {
  const schema = JSON.parse(await readFile(inRepository("docs", "schemas", `${name}.schema.json`), "utf8"));
  const validate = new Ajv2020({ allErrors: true }).compile(schema);
  expect(validate(JSON.parse(text)), JSON.stringify(validate.errors)).toBe(true);
}
