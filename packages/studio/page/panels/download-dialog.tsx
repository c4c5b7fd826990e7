import { useEffect, useRef, useState } from "preact/hooks";
import { amount } from "../session/sentences.ts";
import type { Studio } from "../session/studio.ts";
import { Dialog } from "./dialogs.tsx";

/** Asks before hundreds of megabytes are fetched, and tells how far they are. Closed meanwhile, it goes on behind the page. */
export function DownloadDialog({
  studio,
  name,
  onClose,
}: {
  readonly studio: Studio;
  readonly name: string;
  readonly onClose: () => void;
}) {
  const [step, setStep] = useState<"asks" | "fetches" | "failed">("asks");
  const isOpen = useRef(true);
  useEffect(
    () => () => {
      isOpen.current = false;
    },
    [],
  );
  const fetchIt = async () => {
    setStep("fetches");
    const isThere = await studio.useModel(name);
    if (!isOpen.current) return;
    if (isThere || studio.state.problem === null) onClose();
    else setStep("failed");
  };
  if (step === "fetches") return <Fetching studio={studio} name={name} onClose={onClose} />;
  return (
    <Dialog title={step === "failed" ? `${name} did not come` : `Download ${name}?`} onClose={onClose}>
      {step === "failed" ? (
        <p role="alert">{studio.state.problem} What has come already is kept.</p>
      ) : (
        <About studio={studio} name={name} />
      )}
      <div class="dialog-foot">
        <button type="button" class="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" class="button primary" onClick={fetchIt}>
          {step === "failed" ? "Try again" : "Download"}
        </button>
      </div>
    </Dialog>
  );
}

function About({ studio, name }: { readonly studio: Studio; readonly name: string }) {
  const model = studio.state.models.find((one) => one.name === name);
  const size = model?.bytes ? `, ${amount(model.bytes)}` : "";
  return (
    <p>
      The model comes from huggingface.co{size}. Its licence: {model?.licence ?? "see its page"}. It is kept
      on this machine, outside of this page.
    </p>
  );
}

function Fetching({
  studio,
  name,
  onClose,
}: {
  readonly studio: Studio;
  readonly name: string;
  readonly onClose: () => void;
}) {
  const { busy } = studio.state;
  const title = `Downloading ${name}`;
  const text = busy?.text ?? title;
  return (
    <Dialog title={title} onClose={onClose}>
      {text !== title && <p>{text}</p>}
      <progress class="download" aria-label={text} max={1} value={busy?.share ?? undefined} />
      <p class="soft">{busy?.detail ?? "\u00a0"}</p>
      <div class="dialog-foot">
        <button type="button" class="button" onClick={() => studio.stopLoading()}>
          Stop
        </button>
        <button type="button" class="button primary" onClick={onClose}>
          Go on behind the page
        </button>
      </div>
    </Dialog>
  );
}
