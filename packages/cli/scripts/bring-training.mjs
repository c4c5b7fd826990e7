// Before the package is packed: the Python package that `unsam train` runs comes beside its `dist`.
import { cpSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";

const from = fileURLToPath(new URL("../../../training/unsam_training", import.meta.url));
const to = fileURLToPath(new URL("../training/unsam_training", import.meta.url));
rmSync(to, { recursive: true, force: true });
cpSync(from, to, { recursive: true, filter: (source) => !/__pycache__|\.pyc$/.test(source) });
