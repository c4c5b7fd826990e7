import { parentPort, workerData } from "node:worker_threads";
import { type OverlayJob, paintOverlay } from "./overlay-paint.js";

const painted = paintOverlay(workerData as OverlayJob);
parentPort?.postMessage(painted, [painted.buffer as ArrayBuffer]);
