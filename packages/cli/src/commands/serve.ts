import { UnSAMError } from "@unsam/core/errors";
import { readFileText } from "@unsam/core/files";
import type { LabelStudioOptions } from "@unsam/server";
import { Command } from "commander";
import { count, port, repeatable } from "../arguments.js";
import { markRepeatable } from "../defaults/default-flags.js";
import { withExamples } from "../help/examples.js";
import { loadModel, type ModelOptions } from "../load-model.js";
import { optionalPackage } from "../optional-package.js";
import { withModelOptions } from "../prompt-flags.js";
import type { Interrupt } from "../terminal/interrupt.js";
import { print, tell } from "../terminal/output.js";
import { toldToStop } from "../terminal/told-to-stop.js";

interface ServeFlags extends ModelOptions {
  readonly host: string;
  readonly port: number;
  readonly tokenFile?: string;
  readonly withoutToken?: true;
  readonly cache?: number;
  readonly spill?: string;
  readonly allowHost?: string[];
  readonly origin?: string[];
  readonly labelStudio?: string;
  readonly labelStudioKeyFile?: string;
  readonly maxPixels?: number;
  readonly log?: true;
}

/** Tokens for the service, separated by blanks, commas or lines. On the command line every user of the machine would see them. */
const TOKENS = "UNSAM_TOKENS";
/** Of Label Studio, as its own tools name it. */
const API_KEY = "LABEL_STUDIO_API_KEY";
const MOST_TOKEN_BYTES = 2 ** 20;

export function serveCommand(interrupt: Interrupt): Command {
  const command = withModelOptions(new Command("serve"))
    .description(
      "Answer prompts over HTTP, until it is told to stop. It is a package of its own: npm i @unsam/server.",
    )
    .option("--host <address>", "where to listen; beyond this machine it takes tokens", "127.0.0.1")
    .option("--port <n>", "where to listen; 0: any that is free", port, 3000)
    .option("--token-file <file>", `bearer tokens, one a line (else those of ${TOKENS})`)
    .option("--without-token", "listen beyond this machine for everybody")
    .option("--cache <megabytes>", "what encoded images hold in memory (default 512)", count)
    .option("--spill <dir>", "keep encoded images there that do not fit into memory")
    .option("--allow-host <name>", "photos may be fetched from this host; repeatable", repeatable)
    .option("--origin <origin>", "pages of this origin may call the service; repeatable", repeatable)
    .option("--label-studio <url>", "be a model for the Label Studio that lies there, below /label-studio")
    .option("--label-studio-key-file <file>", `its API key, to fetch photos with (else that of ${API_KEY})`)
    .option("--log", "print a line of JSON for each request to standard output");
  markRepeatable(command, "--allow-host", "--origin");
  command.action((flags: ServeFlags) => answerRequests(flags, interrupt));
  return withExamples(command, [
    ["unsam serve", "on this machine, port 3000: its routes are shown at http://127.0.0.1:3000/docs"],
    [
      "unsam serve --host 0.0.0.0 --token-file tokens.txt --spill encoded",
      "for a network, with tokens, and a folder for what does not fit into memory",
    ],
    [
      "unsam serve --label-studio http://127.0.0.1:8080 --label-studio-key-file key.txt",
      "as a model in Label Studio: http://127.0.0.1:3000/label-studio",
    ],
  ]);
}

async function answerRequests(flags: ServeFlags, interrupt: Interrupt): Promise<void> {
  const { signal } = interrupt;
  const { serve } = await optionalPackage("@unsam/server", "serve", () => import("@unsam/server"));
  const tokens = await readTokens(flags.tokenFile, signal);
  const labelStudio = await readLabelStudio(flags, signal);
  await using unsam = await loadModel(flags, signal);
  const { host, port, withoutToken, cache, spill, allowHost, origin, maxPixels, log } = flags;
  const server = await serve({
    unsam,
    host,
    port,
    withoutToken,
    tokens,
    limits: { pixels: maxPixels },
    cache: { bytes: cache === undefined ? undefined : cache * 2 ** 20, spill },
    urls: allowHost && { hosts: allowHost },
    origins: origin,
    labelStudio,
    logger: log
      ? { level: "info", stream: { write: print } }
      : { level: "error", stream: { write: tellLine } },
  });
  // It ends what it has accepted, in its own time.
  interrupt.bePatient();
  tell(`unsam: Listening on ${server.address}, where /docs shows the routes. Ctrl-C stops it.`);
  await toldToStop(signal);
  tell("unsam: Ending what was accepted; a second Ctrl-C ends at once.");
  await server.stop();
  process.exitCode = 0;
}

function tellLine(line: string): void {
  tell(line.trimEnd());
}

async function readLabelStudio(
  { labelStudio: url, labelStudioKeyFile: file }: ServeFlags,
  signal: AbortSignal,
): Promise<LabelStudioOptions | undefined> {
  if (url === undefined) {
    if (file === undefined) return undefined;
    throw new UnSAMError(
      "E_BAD_OPTION",
      "--label-studio-key-file holds the key of a Label Studio; give --label-studio with it, or leave it out.",
    );
  }
  const apiKey = (await readSecret("The file of the API key", file, API_KEY, signal)).trim();
  return { url, apiKey: apiKey === "" ? undefined : apiKey };
}

/** What a file holds, else a variable of the environment. */
async function readSecret(
  what: string,
  file: string | undefined,
  variable: string,
  signal: AbortSignal,
): Promise<string> {
  if (file === undefined) return process.env[variable] ?? "";
  return readFileText(file, { what, code: "E_BAD_FILE", maxBytes: MOST_TOKEN_BYTES, signal });
}

async function readTokens(file: string | undefined, signal: AbortSignal): Promise<string[]> {
  const text = await readSecret("The file of tokens", file, TOKENS, signal);
  const tokens = text.split(/[\s,]+/).filter((token) => token !== "");
  if (file === undefined || tokens.length > 0) return tokens;
  throw new UnSAMError("E_BAD_FILE", "The file of tokens holds none; write one a line.");
}
