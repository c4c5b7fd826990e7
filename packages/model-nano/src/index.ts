import { fileURLToPath } from "node:url";

/** Path of the weights: float16, `.safetensors`. */
export const NANO_WEIGHTS = fileURLToPath(new URL("../weights/nano.safetensors", import.meta.url));
