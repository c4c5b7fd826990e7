import path from "node:path";
import { UnSAMError } from "../errors.js";
import { homeFolder, readFileText } from "../files/index.js";

/** What the environment says about the hub; the variables are those of Hugging Face's own tools. */
export interface HubSettings {
  /** Without "/" at its end. */
  readonly endpoint: string;
  /** Folder of the Hugging Face cache. */
  readonly cache: string;
  readonly offline: boolean;
  /** So long without news from a server, and it is asked anew. */
  readonly idleMs: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

const ENDPOINT = "https://huggingface.co";
const IDLE_SECONDS = 30;
const MOST_TOKEN_BYTES = 4096;

/** Throws `E_BAD_OPTION` for a variable that makes no sense. */
export function hubSettings(environment: Environment = process.env): HubSettings {
  return {
    endpoint: endpointOf(environment.HF_ENDPOINT || ENDPOINT),
    cache: hubCacheFolder(environment),
    offline: ["UNSAM_OFFLINE", "HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"].some((name) =>
      isTrue(environment[name]),
    ),
    idleMs: 1000 * idleSeconds(environment.HF_HUB_DOWNLOAD_TIMEOUT),
  };
}

function endpointOf(text: string): string {
  let url: URL | null = null;
  try {
    url = new URL(text);
  } catch {}
  const isWeb = url?.protocol === "https:" || url?.protocol === "http:";
  if (url && isWeb && url.username === "" && url.password === "" && url.search === "" && url.hash === "") {
    return url.href.replace(/\/+$/, "");
  }
  throw new UnSAMError(
    "E_BAD_OPTION",
    "HF_ENDPOINT is no address of a hub; give https://host, or leave it out.",
  );
}

function idleSeconds(text: string | undefined): number {
  if (!text) return IDLE_SECONDS;
  const seconds = Number(text);
  if (Number.isFinite(seconds) && seconds > 0 && seconds <= 86_400) return seconds;
  throw new UnSAMError(
    "E_BAD_OPTION",
    "HF_HUB_DOWNLOAD_TIMEOUT is no number of seconds from 1; leave it out, or mend it.",
  );
}

function isTrue(text: string | undefined): boolean {
  return ["1", "ON", "YES", "TRUE"].includes(text?.toUpperCase() ?? "");
}

function hubCacheFolder(environment: Environment): string {
  const named = environment.HF_HUB_CACHE || environment.HUGGINGFACE_HUB_CACHE;
  return named ? expanded(named) : path.join(hubHome(environment) ?? noHome(), "hub");
}

/** null: the user has no home folder. */
function hubHome(environment: Environment): string | null {
  if (environment.HF_HOME) return expanded(environment.HF_HOME);
  const home = homeFolder();
  const above = environment.XDG_CACHE_HOME
    ? expanded(environment.XDG_CACHE_HOME)
    : home && path.join(home, ".cache");
  return above && path.join(above, "huggingface");
}

/** A shell expands `~`, a file of variables does not; Python's library does. */
function expanded(folder: string): string {
  return path.resolve(folder.replace(/^~(?=$|[/\\])/, () => homeFolder() ?? noHome()));
}

function noHome(): never {
  throw new UnSAMError(
    "E_BAD_OPTION",
    "There is no home folder to keep models in (HOME names none, and the user has no entry on this system); set HF_HUB_CACHE or HF_HOME to a folder.",
  );
}

/**
 * The user's token for the hub: `HF_TOKEN`, else the file that `hf auth login` wrote (`HF_TOKEN_PATH`, or `token` in
 * `HF_HOME`); null: there is none. Throws `E_BAD_OPTION` where it is none; no error shows it.
 */
export async function hubToken(environment: Environment = process.env): Promise<string | null> {
  const named = environment.HF_TOKEN ?? environment.HUGGING_FACE_HUB_TOKEN;
  if (named !== undefined) return checkedToken(named, "HF_TOKEN");
  if (isTrue(environment.HF_HUB_DISABLE_IMPLICIT_TOKEN)) return null;
  const folder = hubHome(environment);
  const file = environment.HF_TOKEN_PATH
    ? expanded(environment.HF_TOKEN_PATH)
    : folder && path.join(folder, "token");
  if (file === null) return null;
  const text = await readFileText(file, { what: "The token", maxBytes: MOST_TOKEN_BYTES }).catch(() => "");
  return checkedToken(text, file);
}

function checkedToken(text: string, where: string): string | null {
  const token = text.trim();
  if (token === "") return null;
  if (/^[\x21-\x7e]{1,1024}$/.test(token)) return token;
  throw new UnSAMError(
    "E_BAD_OPTION",
    `What ${where} holds is no token of the hub (one word); mend it, or remove it.`,
  );
}
