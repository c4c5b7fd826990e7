/** Has the browser save a file. */
export function download(name: string, content: Blob | string): void {
  const blob = typeof content === "string" ? new Blob([content]) : content;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** "street.jpg" → "street" */
export function stemOf(name: string): string {
  return name.replace(/\.[^.]*$/, "") || "photo";
}
