// The Python package that `unsam train` runs becomes a part of `dist`, for those who install this one from a registry.
import { cpSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const from = fileURLToPath(new URL("../../../training/unsam_training", import.meta.url));
const to = fileURLToPath(new URL("../dist/python/unsam_training", import.meta.url));
rmSync(to, { recursive: true, force: true });
cpSync(from, to, { recursive: true, filter: (source) => !/__pycache__|\.pyc$/.test(source) });
