import type { UnSAMError } from "../errors.js";
import { type Answer, failed } from "./requests.js";

/** Throws `E_DOWNLOAD` where an answer says of itself that it is a web page. */
export function refuseWebPage(answer: Answer, what: string): void {
  const type = answer.header("content-type") ?? "";
  if (/^\s*(?:text\/html|application\/xhtml)/i.test(type)) throw webPage(answer.url.host, what);
}

export function webPage(host: string, what: string): UnSAMError {
  return failed(
    `${host} sends a web page instead of ${what}: the page of a login, of a proxy, or one about the file; open it in a browser`,
  );
}
