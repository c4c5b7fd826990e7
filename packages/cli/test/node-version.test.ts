import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { promisify } from "node:util";
import { nodeProblem, SUPPORTED_NODE } from "@unsam/core/node-version";
import { inRepository } from "@unsam/test-support";
import { expect, it } from "vitest";

const manifest = (...folder: string[]) =>
  JSON.parse(readFileSync(inRepository(...folder, "package.json"), "utf8"));

it("is stated alike by every package", () => {
  const packages = readdirSync(inRepository("packages"));
  expect(packages).toContain("sdk");
  for (const folder of [[], ...packages.map((name) => ["packages", name])]) {
    expect(manifest(...folder).engines, folder.join("/")).toEqual({ node: SUPPORTED_NODE });
  }
});

it.each([
  ["20.19.0", true],
  ["20.20.2", true],
  ["22.12.0", true],
  ["24.0.0", true],
  ["25.1.0", true],
  ["18.20.8", false],
  ["20.9.0", false],
  ["20.18.3", false],
  ["21.7.3", false],
  ["22.11.0", false],
])("Node %s is supported: %s", (version, supported) => {
  expect(nodeProblem(version)).toBe(
    supported ? null : `UnSAM needs Node 20.19, 22.12 or newer; this is ${version}.`,
  );
});

it("includes the version that runs this test", () => {
  expect(nodeProblem(process.versions.node)).toBeNull();
});

it("is asked for before anything that an older Node cannot parse", async () => {
  const old = `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.9.0" } });`;
  const command = inRepository("packages", "cli", manifest("packages", "cli").bin.unsam);
  const args = ["--import", `data:text/javascript,${encodeURIComponent(old)}`, command, "--version"];
  const { code, stdout, stderr } = await promisify(execFile)(process.execPath, args).catch((error) => error);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toBe("unsam: UnSAM needs Node 20.19, 22.12 or newer; this is 20.9.0.\n");
});

it("lets the command run", async () => {
  const command = inRepository("packages", "cli", manifest("packages", "cli").bin.unsam);
  const { stdout } = await promisify(execFile)(process.execPath, [command, "--version"]);
  expect(stdout.trim()).toBe(manifest("packages", "cli").version);
});
