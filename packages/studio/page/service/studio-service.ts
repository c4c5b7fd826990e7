import { UnSAMClient } from "@unsam/server/client";

/** A model that can be chosen. */
export interface OfferedModel {
  readonly name: string;
  readonly bytes: number | null;
  readonly licence: string | null;
  readonly isHere: boolean;
  readonly isInUse: boolean;
}

export interface PullProgress {
  readonly phase: string;
  readonly bytes: number;
  readonly total: number | null;
  readonly message: string | null;
}

type ModelEvent =
  | { readonly type: "progress"; readonly progress: PullProgress }
  | { readonly type: "ready"; readonly name: string }
  | { readonly type: "error"; readonly error: { readonly message: string } };

export type ExportFormat = "coco" | "labelme" | "yolo" | "svg" | "scene";

export interface ExportRequest {
  readonly format: ExportFormat;
  readonly photo: { readonly name: string; readonly width: number; readonly height: number };
  readonly regions: readonly {
    readonly label: string;
    readonly score: number | null;
    readonly stability: number | null;
    readonly granularity: number | null;
    readonly parent: number | null;
    readonly colour: string;
    readonly counts: string;
  }[];
}

export interface Exported {
  readonly files: readonly { readonly name: string; readonly text: string }[];
  readonly lost: readonly string[];
}

const JSON_TYPE = "application/json";
const BYTES_TYPE = "application/octet-stream";

/** What the page asks: the model's service, and the studio's own routes. All of it lies below the page's own origin. */
export class StudioService {
  readonly model: UnSAMClient;
  readonly #token: string;

  constructor(origin: string, token: string) {
    this.model = new UnSAMClient({ address: `${origin}/model`, token });
    this.#token = token;
  }

  async photos(): Promise<{ readonly photos: readonly string[]; readonly notes: readonly string[] }> {
    return (await this.#send("GET", "/studio/photos")).json();
  }

  async photo(index: number, signal: AbortSignal): Promise<Blob> {
    return (await this.#send("GET", `/studio/photos/${index}`, { signal })).blob();
  }

  /** A photo that the browser does not show, as PNG. */
  async view(photo: Blob, signal: AbortSignal): Promise<Blob> {
    return (await this.#send("POST", "/studio/view", { body: photo, signal })).blob();
  }

  async models(): Promise<readonly OfferedModel[]> {
    const answer = await this.#send("GET", "/studio/models");
    return ((await answer.json()) as { readonly models: readonly OfferedModel[] }).models;
  }

  /** Changes to another model; tells how far a download is. Who aborts it keeps the model before. */
  async useModel(
    name: string,
    onProgress: (progress: PullProgress) => void,
    signal: AbortSignal,
  ): Promise<void> {
    const answer = await this.#send("POST", `/studio/models/${encodeURIComponent(name)}`, { signal });
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw new Error("The answer was cut off; the model stays the one before.");
      text += value;
      const lines = text.split("\n");
      text = lines.pop()!;
      for (const line of lines) {
        const event = JSON.parse(line) as ModelEvent;
        if (event.type === "progress") onProgress(event.progress);
        else if (event.type === "error") throw new Error(event.error.message);
        else return;
      }
    }
  }

  async export(request: ExportRequest): Promise<Exported> {
    return (await this.#send("POST", "/studio/export", { body: JSON.stringify(request) })).json();
  }

  // Sends as `UnSAMClient` does, to the studio's own routes: what they fail with is no `ServiceFailure`.
  async #send(
    method: string,
    path: string,
    { body, signal }: { readonly body?: string | Blob; readonly signal?: AbortSignal } = {},
  ): Promise<Response> {
    const answer = await fetch(path, {
      method,
      headers: {
        authorization: `Bearer ${this.#token}`,
        ...(body === undefined ? {} : { "content-type": typeof body === "string" ? JSON_TYPE : BYTES_TYPE }),
      },
      ...(body === undefined ? {} : { body }),
      ...(signal ? { signal } : {}),
    });
    if (answer.ok) return answer;
    const said = await answer.json().catch(() => null);
    throw new Error(said?.error?.message ?? `The studio answered ${answer.status}.`);
  }
}
