export interface NetworkOptions {
  /** Path of a `.pt` or `.safetensors` file, of an index of shards, or of the folder of one. */
  readonly checkpoint: string;
  /** Where in the checkpoint the weights lie; needed where it holds those of several models. */
  readonly weights?: string | undefined;
  /** Model configuration as JSON (keys of the official YAML); undefined: told by the tensors. */
  readonly config: unknown;
  readonly device: "auto" | "cpu" | "cuda";
  readonly encoder: "auto" | "onnx" | "native";
  readonly decoder: "auto" | "onnx" | "native";
  /** Number of the CUDA device the native decoder runs on; left out or null: the processor. */
  readonly cudaDevice?: number | null | undefined;
  /** Of the native decoder's image-side products, and of the native encoder's where the processor has bfloat16; ONNX Runtime knows float32 only. */
  readonly precision: "auto" | "float32" | "bfloat16";
  readonly threads: number | undefined;
  readonly cacheDir: string;
  readonly signal: AbortSignal | undefined;
}
