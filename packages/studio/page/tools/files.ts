import { useEffect, useState } from "preact/hooks";

/** Photos that are dropped on the page or pasted; whether one is held above it now. */
export function useFiles(open: (file: File) => void): boolean {
  const [isDropping, setDropping] = useState(false);
  useEffect(() => {
    const ending = new AbortController();
    const { signal } = ending;
    const take = (files: FileList | undefined) => {
      const file = files?.[0];
      if (file) open(file);
    };
    const isFile = ({ dataTransfer }: DragEvent) => dataTransfer?.types.includes("Files") ?? false;
    const over = (event: DragEvent) => {
      if (!isFile(event)) return;
      event.preventDefault();
      setDropping(true);
    };
    addEventListener("dragover", over, { signal });
    addEventListener("dragleave", (event) => event.relatedTarget ?? setDropping(false), { signal });
    addEventListener(
      "drop",
      (event) => {
        event.preventDefault();
        setDropping(false);
        take(event.dataTransfer?.files);
      },
      { signal },
    );
    addEventListener("paste", (event) => take(event.clipboardData?.files), { signal });
    return () => ending.abort();
  }, []);
  return isDropping;
}
