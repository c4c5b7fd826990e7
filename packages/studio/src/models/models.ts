import type { IncomingMessage, ServerResponse } from "node:http";
import { BUILT_IN_MODELS, isModelName } from "@unsam/core/names";
import { type LoadOptions, listModels, type PullProgress, UnSAM } from "@unsam/sdk";
import { createServer, ServiceError } from "@unsam/server";
import type { FastifyInstance } from "fastify";

/** A model that the page offers. */
export interface OfferedModel {
  readonly name: string;
  /** Of its file; null: in the package, or not known. */
  readonly bytes: number | null;
  readonly licence: string | null;
  /** On this machine already. */
  readonly isHere: boolean;
  readonly isInUse: boolean;
}

export interface DeskOptions {
  readonly unsam?: UnSAM | undefined;
  readonly load?: LoadOptions | undefined;
  readonly token: string;
  readonly maxPixels: number;
}

/** A model with the service that answers for it. */
interface Served {
  readonly name: string;
  readonly app: FastifyInstance;
  readonly unsam: UnSAM;
  /** Loaded here, so disposed here. */
  readonly isOurs: boolean;
}

const PREFIX = "/model/";
/** A click on a photo of 120 megapixels counts as much work; nobody else waits for it. */
const PATIENT_MS = 600_000;

/** The model in use, and the change to another: one is loaded at a time, beside the one that the caller gave. */
export class ModelDesk {
  readonly #options: DeskOptions;
  #served: Served;
  /** The caller's own, to come back to. */
  readonly #given: Served | null;
  #isChanging = false;

  private constructor(options: DeskOptions, served: Served) {
    this.#options = options;
    this.#served = served;
    this.#given = served.isOurs ? null : served;
  }

  /** Throws what `UnSAM.load` throws. */
  static async open(options: DeskOptions): Promise<ModelDesk> {
    const unsam = options.unsam ?? (await UnSAM.load(options.load));
    const name = await nameOf(unsam);
    return new ModelDesk(options, await serve({ name, unsam, isOurs: options.unsam === undefined }, options));
  }

  get inUse(): string {
    return this.#served.name;
  }

  /** Hands a request below `/model` to the service; false: it is another request. */
  answers(request: IncomingMessage, response: ServerResponse): boolean {
    if (!request.url?.startsWith(PREFIX)) return false;
    request.url = request.url.slice(PREFIX.length - 1);
    this.#served.app.routing(request, response);
    return true;
  }

  /** The built-in models, those that have names, and the one that the caller gave. */
  async list(): Promise<OfferedModel[]> {
    const inUse = this.inUse;
    const about = (name: string, facts: Omit<OfferedModel, "name" | "isInUse">): OfferedModel => {
      return { name, ...facts, isInUse: name === inUse };
    };
    const here = { bytes: null, licence: null, isHere: true };
    const models = BUILT_IN_MODELS.map((name) => about(name, here));
    for (const { name, bytes, licence, path } of await listModels()) {
      models.push(about(name, { bytes, licence, isHere: path !== null }));
    }
    const given = this.#given?.name;
    if (given !== undefined && !models.some(({ name }) => name === given)) models.unshift(about(given, here));
    return models;
  }

  /**
   * Loads a model that the list names, and answers with it from then on. Throws 404 for other names, 409 while another change
   * goes on, and what `UnSAM.load` throws: the model before it goes on then.
   */
  async use(name: string, onProgress: (progress: PullProgress) => void, signal: AbortSignal): Promise<void> {
    if (name === this.inUse) return;
    const isKnown = (await this.list()).some((model) => model.name === name);
    if (!isKnown) throw new ServiceError(404, "E_NOT_FOUND", `There is no model ${name.slice(0, 100)}.`);
    if (this.#isChanging) {
      throw new ServiceError(503, "E_BUSY", "Another model is being loaded; wait until it is there.", {
        retryAfter: 5,
      });
    }
    this.#isChanging = true;
    try {
      const before = this.#served;
      this.#served = name === this.#given?.name ? this.#given : await this.#load(name, onProgress, signal);
      if (before !== this.#given) await release(before);
    } finally {
      this.#isChanging = false;
    }
  }

  async #load(
    name: string,
    onProgress: (progress: PullProgress) => void,
    signal: AbortSignal,
  ): Promise<Served> {
    const telling = isModelName(name) ? { onProgress } : {};
    const unsam = await UnSAM.load({ model: name, signal, ...telling });
    return serve({ name, unsam, isOurs: true }, this.#options);
  }

  async close(): Promise<void> {
    if (this.#given && this.#served !== this.#given) await release(this.#given);
    await release(this.#served);
  }
}

/** As the list names it: a file that was fetched under a name has this name. */
async function nameOf({ model }: UnSAM): Promise<string> {
  const fetched = (await listModels()).find(({ path }) => path === model.name);
  return fetched?.name ?? model.name.split(/[\\/]/).at(-1)!;
}

async function serve(model: Omit<Served, "app">, { token, maxPixels }: DeskOptions): Promise<Served> {
  const app = await createServer({
    unsam: model.unsam,
    tokens: [token],
    loopbackNamesOnly: true,
    rate: false,
    graceMs: 1000,
    limits: {
      pixels: maxPixels,
      photoBytes: 256 * 2 ** 20,
      uploadBytes: 512 * 2 ** 20,
      jsonBytes: 16 * 2 ** 20,
      answerWithinMs: PATIENT_MS,
      workMs: PATIENT_MS,
      everythingMs: PATIENT_MS,
      maskBytes: 2 ** 30,
    },
    cache: { bytes: 1024 * 2 ** 20 },
  });
  return { ...model, app };
}

async function release({ app, unsam, isOurs }: Served): Promise<void> {
  await app.close();
  if (isOurs) await unsam.dispose();
}
