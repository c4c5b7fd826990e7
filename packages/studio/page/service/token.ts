const KEPT = "unsam-studio-token";

/** The token behind `#` of the address, which then goes from the address; a page that is loaded anew remembers it. */
export function takeToken(): string | null {
  const given = location.hash.slice(1);
  if (given !== "") {
    sessionStorage.setItem(KEPT, given);
    history.replaceState(null, "", location.pathname);
  }
  return sessionStorage.getItem(KEPT);
}
