import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { UnSAMError } from "@unsam/core/errors";

/**
 * A package that only some commands need (docs/decisions/0027-service.md): the one beside this package, or that of the folder where the command
 * runs. `beside` imports it by its name. Throws `E_UNSUPPORTED` where there is none.
 */
export async function optionalPackage<Module>(
  name: string,
  command: string,
  beside: () => Promise<Module>,
): Promise<Module> {
  try {
    return await beside();
  } catch (problem) {
    if (!isMissing(problem, name)) throw problem;
  }
  try {
    const here = createRequire(path.join(process.cwd(), "noop.js"));
    return (await import(pathToFileURL(here.resolve(name)).href)) as Module;
  } catch (cause) {
    if (!isMissing(cause, name)) throw cause;
    throw new UnSAMError(
      "E_UNSUPPORTED",
      `unsam ${command} needs the package ${name}, which is not installed; run npm i ${name}.`,
      { cause },
    );
  }
}

function isMissing(problem: unknown, name: string): boolean {
  const { code, message } = problem as NodeJS.ErrnoException;
  const isCode = code === "ERR_MODULE_NOT_FOUND" || code === "MODULE_NOT_FOUND";
  return isCode && String(message).includes(name);
}
