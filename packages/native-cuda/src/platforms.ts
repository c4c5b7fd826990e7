import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

/** A package that holds one built addon, `unsam.node`. */
export interface PlatformPackage {
  readonly name: string;
  readonly os: NodeJS.Platform;
  readonly cpu: NodeJS.Architecture;
  readonly libc: "glibc" | "musl" | null;
  /** With the CUDA backend: large, and installed only where somebody asks for it. */
  readonly cuda: boolean;
  /** Path of its addon; throws where the package is not installed. */
  readonly locate: () => string;
}

/** Better ones first. Names are written out in calls of `require.resolve`, which bundlers and tracers follow. */
export const PLATFORM_PACKAGES: readonly PlatformPackage[] = [
  {
    name: "@unsam/native-linux-x64-cuda",
    os: "linux",
    cpu: "x64",
    libc: "glibc",
    cuda: true,
    // A bundler stops here? Make @unsam/sdk external (Next.js: serverExternalPackages): docs/bundlers.md
    locate: () => require.resolve("@unsam/native-linux-x64-cuda/unsam.node"),
  },
  {
    name: "@unsam/native-linux-x64-gnu",
    os: "linux",
    cpu: "x64",
    libc: "glibc",
    cuda: false,
    locate: () => require.resolve("@unsam/native-linux-x64-gnu/unsam.node"),
  },
  {
    name: "@unsam/native-linux-arm64-gnu",
    os: "linux",
    cpu: "arm64",
    libc: "glibc",
    cuda: false,
    locate: () => require.resolve("@unsam/native-linux-arm64-gnu/unsam.node"),
  },
  {
    name: "@unsam/native-linux-x64-musl",
    os: "linux",
    cpu: "x64",
    libc: "musl",
    cuda: false,
    locate: () => require.resolve("@unsam/native-linux-x64-musl/unsam.node"),
  },
  {
    name: "@unsam/native-linux-arm64-musl",
    os: "linux",
    cpu: "arm64",
    libc: "musl",
    cuda: false,
    locate: () => require.resolve("@unsam/native-linux-arm64-musl/unsam.node"),
  },
  {
    name: "@unsam/native-darwin-arm64",
    os: "darwin",
    cpu: "arm64",
    libc: null,
    cuda: false,
    locate: () => require.resolve("@unsam/native-darwin-arm64/unsam.node"),
  },
  {
    name: "@unsam/native-darwin-x64",
    os: "darwin",
    cpu: "x64",
    libc: null,
    cuda: false,
    locate: () => require.resolve("@unsam/native-darwin-x64/unsam.node"),
  },
  {
    name: "@unsam/native-win32-x64",
    os: "win32",
    cpu: "x64",
    libc: null,
    cuda: false,
    locate: () => require.resolve("@unsam/native-win32-x64/unsam.node"),
  },
];

export interface Platform {
  readonly os: NodeJS.Platform;
  readonly cpu: NodeJS.Architecture;
  /** null: not Linux, or unknown. */
  readonly libc: string | null;
}

export function packagesFor({ os, cpu, libc }: Platform): readonly PlatformPackage[] {
  return PLATFORM_PACKAGES.filter(
    (one) => one.os === os && one.cpu === cpu && (one.libc === null || one.libc === libc),
  );
}
