import { existsSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { family } from "detect-libc";
import type { NativeBinding } from "./binding.js";
import { openAddon } from "./open-addon.js";
import { type Platform, packagesFor } from "./platforms.js";
import { smokeTest, type TestMemory } from "./smoke-test.js";

const LOCAL_BUILD = fileURLToPath(new URL("../build/Release/unsam.node", import.meta.url));

/** The addon, or why there is none. */
export type NativeStatus =
  | {
      readonly binding: NativeBinding;
      readonly path: string;
      /** Where it comes from: a package's name, "local build" or "UNSAM_NATIVE". */
      readonly origin: string;
      /** Addons that were there, would have been better, and do not work: one sentence each. */
      readonly rejected: readonly string[];
    }
  | {
      readonly binding: null;
      /** One sentence for people: why, and what to do. */
      readonly reason: string;
    };

export type LoadNativeOptions = TestMemory;

interface Candidate {
  readonly origin: string;
  readonly path: string;
}

let loading: Promise<NativeStatus> | null = null;

/**
 * Finds the addon: the platform's package, then a local build (`npm run build:native`); the environment variable
 * UNSAM_NATIVE is `off`, or the path of the one to use. A binary is tried out in a child process before it is loaded.
 * Never throws; looks once per thread.
 */
export function loadNative(options: LoadNativeOptions): Promise<NativeStatus> {
  loading ??= findNative(options, process.env.UNSAM_NATIVE ?? "");
  return loading;
}

/** `loadNative` anew, with the value of UNSAM_NATIVE given. */
export async function findNative(options: LoadNativeOptions, wanted: string): Promise<NativeStatus> {
  if (wanted === "off") return { binding: null, reason: "It is turned off by UNSAM_NATIVE=off." };
  const platform = { os: process.platform, cpu: process.arch, libc: await family() };
  const candidates =
    wanted === "" ? installed(platform) : [{ origin: "UNSAM_NATIVE", path: path.resolve(wanted) }];
  const rejected: string[] = [];
  for (const { origin, path } of candidates) {
    const problem = await smokeTest(path, options);
    if (problem === null) {
      try {
        return { binding: openAddon(path), path, origin, rejected };
      } catch (cause) {
        rejected.push(`${path} (${origin}) does not load: ${(cause as Error).message}.`);
      }
    } else rejected.push(`${path} (${origin}) does not work: ${problem}.`);
  }
  const reason = rejected.length > 0 ? [...rejected, advice(wanted)].join(" ") : nothing(platform);
  return { binding: null, reason };
}

function advice(wanted: string): string {
  return wanted === ""
    ? "Install it again, build it again with `npm run build:native`, or remove it."
    : "Unset UNSAM_NATIVE, or let it name an addon for this machine.";
}

function installed(platform: Platform): Candidate[] {
  const packages = packagesFor(platform).flatMap(({ name, locate }): Candidate[] => {
    try {
      return [{ origin: name, path: locate() }];
    } catch {
      return [];
    }
  });
  return existsSync(LOCAL_BUILD) ? [...packages, { origin: "local build", path: LOCAL_BUILD }] : packages;
}

function nothing(platform: Platform): string {
  const { os, cpu, libc } = platform;
  const names = packagesFor(platform).map(({ name }) => name);
  const missing =
    names.length > 0
      ? `Neither ${names.join(" nor ")} is installed, and there is no local build`
      : `There is no package for ${os} ${cpu}${libc ? ` with ${libc}` : ""}, and no local build`;
  return `${missing}; in a checkout \`npm run build:native\` makes one.`;
}
