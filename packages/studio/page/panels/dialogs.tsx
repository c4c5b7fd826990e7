import { useEffect, useRef, useState } from "preact/hooks";
import { FORMATS, saveAs } from "../export/export.ts";
import type { Studio } from "../session/studio.ts";
import { type KeyHelp, PAGE_HELP, PHOTO_HELP, POINTER_HELP } from "../tools/keys.ts";
import { Icon } from "./icons.tsx";

/** A window above the page; Escape closes it. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  readonly title: string;
  readonly onClose: () => void;
  readonly children: preact.ComponentChildren;
}) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-labelledby="dialog-title" onClose={onClose}>
      <div class="dialog-head">
        <h2 id="dialog-title">{title}</h2>
        <button
          type="button"
          class="button square quiet"
          aria-label="Close"
          onClick={() => dialog.current?.close()}
        >
          <Icon name="remove" />
        </button>
      </div>
      {children}
    </dialog>
  );
}

export function ExportDialog({ studio, onClose }: { readonly studio: Studio; readonly onClose: () => void }) {
  const [said, setSaid] = useState<{ readonly text: string; readonly isProblem: boolean } | null>(null);
  const [isBusy, setBusy] = useState(false);
  const isScene = studio.state.mode === "everything";
  const count = isScene
    ? (studio.state.scene?.scene.masks.length ?? 0)
    : studio.document.objects.filter((object) => studio.shown(object)).length;
  const what = `${count} ${isScene ? (count === 1 ? "mask" : "masks") : count === 1 ? "object" : "objects"}`;
  const save = async (format: (typeof FORMATS)[number]["format"]) => {
    setBusy(true);
    setSaid(null);
    try {
      setSaid({ text: await saveAs(studio, format), isProblem: false });
    } catch (problem) {
      setSaid({ text: problem instanceof Error ? problem.message : String(problem), isProblem: true });
    }
    setBusy(false);
  };
  return (
    <Dialog title={`Export ${what}`} onClose={onClose}>
      <ul class="formats">
        {FORMATS.map(({ format, name, about }) => (
          <li key={format}>
            <button type="button" class="format" disabled={isBusy} onClick={() => save(format)}>
              <strong>{name}</strong>
              <span>{about}</span>
              <Icon name="save" />
            </button>
          </li>
        ))}
      </ul>
      <p class={said?.isProblem ? "said problem" : "said"} role="status">
        {said?.text ?? "Masks are saved at the photo's full size."}
      </p>
    </Dialog>
  );
}

export function HelpDialog({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog title="Keys and gestures" onClose={onClose}>
      <KeyList title="On the photo" list={POINTER_HELP} />
      <KeyList title="Keys, while the photo has the focus" list={PHOTO_HELP} />
      <KeyList title="Everywhere" list={PAGE_HELP} />
    </Dialog>
  );
}

function KeyList({ title, list }: { readonly title: string; readonly list: readonly KeyHelp[] }) {
  return (
    <>
      <h3>{title}</h3>
      <dl class="keys">
        {list.map(({ keys, does }) => (
          <div key={keys}>
            <dt>{keys}</dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}
