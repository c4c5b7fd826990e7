import { quoted } from "../format-error.js";

/** What a zip archive is that holds no weights as torch.save writes them, and what to do; null: it looks like weights. */
export function explainArchive(names: readonly string[]): string | null {
  const has = (pattern: RegExp) => names.some((name) => pattern.test(name));
  if (has(/^[^/]+\/constants\.pkl$/) || has(/^[^/]+\/code\/.*\.py$/)) {
    return "it is a TorchScript program (torch.jit.save), not weights; load it in PyTorch and torch.save its state_dict().";
  }
  if (has(/(^|\/)serialized_exported_program\.json$/) || has(/(^|\/)archive_format$/)) {
    return "it is an exported program (torch.export), not weights; torch.save the state_dict() it was made from.";
  }
  if (has(/^[^/]+\/data\.pkl$/)) return null;
  if (names.length > 0 && names.every((name) => name.endsWith(".npy"))) {
    return "it is a NumPy archive (.npz); save the tensors as safetensors or with torch.save.";
  }
  const inner = names.filter((name) => /\.(pt|pth|ckpt|bin|safetensors|zip|tar|tgz|gz)$/i.test(name));
  if (inner.length > 0) {
    const listed = inner.slice(0, 3).map(quoted).join(", ");
    return `it is a zip archive around ${listed}; unpack it and give the file inside.`;
  }
  return null;
}
