import { useEffect, useReducer, useRef, useState } from "preact/hooks";
import { ExportDialog, HelpDialog } from "./panels/dialogs.tsx";
import { DownloadDialog } from "./panels/download-dialog.tsx";
import { Granularity } from "./panels/granularity.tsx";
import { Header } from "./panels/header.tsx";
import { Icon } from "./panels/icons.tsx";
import { Problem, Said, Waiting } from "./panels/notices.tsx";
import { Objects } from "./panels/objects.tsx";
import { SceneTree } from "./panels/scene-tree.tsx";
import { Toolbar } from "./panels/toolbar.tsx";
import type { Studio } from "./session/studio.ts";
import type { Mode } from "./session/studio-state.ts";
import { Stage } from "./stage/stage.tsx";
import type { StageControl } from "./stage/stage-control.ts";
import { useFiles } from "./tools/files.ts";
import { isTyping } from "./tools/keys.ts";

type Window = "export" | "help" | { readonly download: string };

/** The whole page. */
export function App({ studio }: { readonly studio: Studio }) {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  const [control, setControl] = useState<StageControl | null>(null);
  const [open, setOpen] = useState<Window | null>(null);
  const chooser = useRef<HTMLInputElement>(null);
  useEffect(() => studio.subscribe(() => redraw(undefined)), [studio]);
  const isDropping = useFiles((file) => studio.openFile(file));
  const choose = () => chooser.current?.click();
  useEffect(() => listenToKeys(studio, choose), [studio]);
  const onModel = (name: string) => {
    const isHere = studio.state.models.find((model) => model.name === name)?.isHere;
    if (isHere) studio.useModel(name);
    else setOpen({ download: name });
  };
  const close = () => setOpen(null);
  return (
    <>
      <Header
        studio={studio}
        onOpen={choose}
        onExport={() => setOpen("export")}
        onHelp={() => setOpen("help")}
        onModel={onModel}
      />
      <main class="main">
        <Toolbar studio={studio} control={control} />
        <div class="stage">
          <Stage studio={studio} onControl={setControl} />
          {!studio.state.photo && !studio.state.busy && <Welcome onOpen={choose} />}
          <Waiting studio={studio} />
          <Problem studio={studio} />
        </div>
        <Granularity studio={studio} />
        <Panel studio={studio} />
      </main>
      <input
        ref={chooser}
        type="file"
        class="hidden"
        accept="image/*,.tif,.tiff"
        tabIndex={-1}
        aria-hidden="true"
        onChange={(event) => {
          const file = event.currentTarget.files?.[0];
          event.currentTarget.value = "";
          if (file) studio.openFile(file);
        }}
      />
      <Said studio={studio} />
      {isDropping && <div class="dropping">Drop the photo to open it</div>}
      {open === "export" && <ExportDialog studio={studio} onClose={close} />}
      {open === "help" && <HelpDialog onClose={close} />}
      {open !== null && typeof open === "object" && (
        <DownloadDialog studio={studio} name={open.download} onClose={close} />
      )}
    </>
  );
}

function Welcome({ onOpen }: { readonly onOpen: () => void }) {
  return (
    <div class="welcome">
      <h2>Drop a photo here</h2>
      <p>or paste one. It stays on this machine.</p>
      <button type="button" class="button primary" onClick={onOpen}>
        <Icon name="open" />
        <span>Open a photo</span>
      </button>
    </div>
  );
}

const MODES: readonly { readonly mode: Mode; readonly name: string }[] = [
  { mode: "objects", name: "Objects" },
  { mode: "everything", name: "Everything" },
];

function Panel({ studio }: { readonly studio: Studio }) {
  const { mode } = studio.state;
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const other = mode === "objects" ? "everything" : "objects";
    studio.setMode(other);
    document.getElementById(`tab-${other}`)?.focus();
  };
  return (
    <aside class="panel" aria-label="What was found">
      <div class="tabs" role="tablist" aria-label="What is shown" onKeyDown={onKeyDown}>
        {MODES.map((one) => (
          <button
            key={one.mode}
            type="button"
            role="tab"
            id={`tab-${one.mode}`}
            aria-selected={mode === one.mode}
            aria-controls="tab-panel"
            tabIndex={mode === one.mode ? 0 : -1}
            onClick={() => studio.setMode(one.mode)}
          >
            {one.name}
          </button>
        ))}
      </div>
      <div id="tab-panel" class="tab-panel" role="tabpanel" aria-labelledby={`tab-${mode}`}>
        {mode === "objects" ? <Objects studio={studio} /> : <SceneTree studio={studio} />}
      </div>
    </aside>
  );
}

/** Keys that work wherever the focus is; returns how to end listening. */
function listenToKeys(studio: Studio, choose: () => void): () => void {
  const onKeyDown = (event: KeyboardEvent) => {
    if (!(event.ctrlKey || event.metaKey) || isTyping(event)) return;
    const key = event.key.toLowerCase();
    if (key === "z" && event.shiftKey) studio.redo();
    else if (key === "z") studio.undo();
    else if (key === "y") studio.redo();
    else if (key === "o") choose();
    else return;
    event.preventDefault();
  };
  addEventListener("keydown", onKeyDown);
  return () => removeEventListener("keydown", onKeyDown);
}
