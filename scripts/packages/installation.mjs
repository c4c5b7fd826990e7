// A fresh folder outside of the repository with our tarballs installed in it, as a stranger would have them.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

/** What `npm run` adds to the environment leads npm back to this repository and its settings. */
export const cleanEnvironment = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) =>
      !/^npm_/i.test(name) || /^npm_config_(registry|userconfig|globalconfig|cache|.*proxy)$/i.test(name),
  ),
);

export class Installation {
  /** `environment` changes the environment of all that is run in it. */
  constructor(environment = {}) {
    this.environment = { ...cleanEnvironment, ...environment };
    this.folder = mkdtempSync(path.join(tmpdir(), "unsam-installed-"));
    this.write("package.json", JSON.stringify({ name: "stranger", private: true }));
  }

  write(name, text) {
    writeFileSync(path.join(this.folder, name), text);
  }

  /** With install scripts, as npm has them by default. */
  install(...what) {
    const flags = ["--ignore-scripts=false", "--no-audit", "--no-fund", "--prefer-offline"];
    return this.run("npm", "install", ...flags, ...what);
  }

  /** What a program prints; rejects with all that it said where it fails. */
  async run(command, ...args) {
    const options = {
      cwd: this.folder,
      env: { ...this.environment, UNSAM_CACHE: path.join(this.folder, "cache") },
    };
    try {
      const shell = process.platform === "win32";
      return await promisify(execFile)(command, args, { ...options, maxBuffer: 2 ** 26, shell });
    } catch ({ code, stdout, stderr }) {
      throw new Error(`${command} ${args.join(" ")} ended with ${code}:\n${stdout}${stderr}`);
    }
  }

  /** Megabytes of the files in node_modules. */
  async megabytes() {
    const modules = path.join(this.folder, "node_modules");
    let bytes = 0;
    for (const entry of await readdir(modules, { recursive: true, withFileTypes: true })) {
      if (entry.isFile()) bytes += (await stat(path.join(entry.parentPath, entry.name))).size;
    }
    return bytes / 1e6;
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
