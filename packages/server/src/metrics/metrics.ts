import { Counter, Gauge, Histogram, Registry } from "prom-client";

/** Where the time of a request goes. */
export type Stage =
  | "receive"
  | "fetch"
  | "wait"
  | "encode"
  | "load"
  | "segment"
  | "ladder"
  | "everything"
  | "write";

/** What the metrics ask for when they are read. */
export interface MetricSources {
  readonly queues: Readonly<Record<string, { readonly running: number; readonly waiting: number }>>;
  readonly bytes: Readonly<Record<string, () => number>>;
  readonly images: Readonly<Record<string, () => number>>;
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** The numbers of one service, in a registry of its own. */
export class Metrics {
  readonly registry = new Registry();
  readonly #requests = new Counter({
    name: "unsam_requests_total",
    help: "Requests answered, by route, method and status.",
    labelNames: ["route", "method", "status"] as const,
    registers: [this.registry],
  });
  readonly #request = new Histogram({
    name: "unsam_request_seconds",
    help: "Time from the first byte of a request to the last of its answer.",
    labelNames: ["route", "method"] as const,
    buckets: SECONDS,
    registers: [this.registry],
  });
  readonly #stage = new Histogram({
    name: "unsam_stage_seconds",
    help: "Time of each stage of the work.",
    labelNames: ["stage"] as const,
    buckets: SECONDS,
    registers: [this.registry],
  });
  readonly #lookups = new Counter({
    name: "unsam_cache_lookups_total",
    help: "Encoded images that were asked for: found in memory, on disk, or not at all.",
    labelNames: ["found"] as const,
    registers: [this.registry],
  });
  readonly #received = new Counter({
    name: "unsam_received_bytes_total",
    help: "Bytes of photos that were received.",
    registers: [this.registry],
  });

  /** Says where current values come from. */
  read({ queues, bytes, images }: MetricSources): void {
    this.#gauge("unsam_queue_depth", "Works that run or wait.", ["queue", "state"], (gauge) => {
      for (const [queue, { running, waiting }] of Object.entries(queues)) {
        gauge.set({ queue, state: "running" }, running);
        gauge.set({ queue, state: "waiting" }, waiting);
      }
    });
    this.#gauge("unsam_bytes", "Bytes held now.", ["what"], (gauge) => {
      for (const [what, read] of Object.entries(bytes)) gauge.set({ what }, read());
    });
    this.#gauge("unsam_images", "Encoded images held now.", ["where"], (gauge) => {
      for (const [where, read] of Object.entries(images)) gauge.set({ where }, read());
    });
  }

  answered(route: string, method: string, status: number, seconds: number): void {
    this.#requests.inc({ route, method, status });
    this.#request.observe({ route, method }, seconds);
  }

  received(bytes: number): void {
    this.#received.inc(bytes);
  }

  looked(found: "memory" | "disk" | "none"): void {
    this.#lookups.inc({ found });
  }

  took(stage: Stage, seconds: number): void {
    this.#stage.observe({ stage }, seconds);
  }

  /** Does some work and keeps how long it took, also where it fails. */
  async time<T>(stage: Stage, work: () => Promise<T>): Promise<T> {
    const end = this.#stage.startTimer({ stage });
    try {
      return await work();
    } finally {
      end();
    }
  }

  #gauge(name: string, help: string, labelNames: string[], collect: (gauge: Gauge) => void): void {
    new Gauge({
      name,
      help,
      labelNames,
      registers: [this.registry],
      collect() {
        collect(this);
      },
    });
  }
}
