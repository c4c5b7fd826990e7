/** A model that has a name of its own and is fetched from the hub. */
export interface KnownModel {
  readonly name: string;
  /** Other ways to say it. */
  readonly aliases: readonly string[];
  readonly repo: string;
  /** null: not known; the repository is asked, and of its checkpoints the one with or without "plus" in its name is taken. */
  readonly file: string | null;
  readonly plus: boolean;
  /** null: not known before the repository is asked. */
  readonly bytes: number | null;
  readonly sha256: string | null;
  /** An SPDX identifier; null: the hub is asked, and what it says is reported before anything is downloaded. */
  readonly licence: string | null;
  /** One plain sentence. */
  readonly description: string;
  /** Whether prompts may carry a granularity. */
  readonly granularity: boolean;
}

function sam21(size: string, words: string, bytes: number, sha256: string): KnownModel {
  const underscored = size.replaceAll("-", "_");
  return {
    name: `sam2.1-${size}`,
    aliases: [`sam2.1-hiera-${size}`, `facebook/sam2.1-hiera-${size}`, `sam2.1_hiera_${underscored}`],
    repo: `facebook/sam2.1-hiera-${size}`,
    file: `sam2.1_hiera_${underscored}.pt`,
    plus: false,
    bytes,
    sha256,
    licence: "Apache-2.0",
    description: `SAM 2.1 ${words}: official weights by Meta, without granularity.`,
    granularity: false,
  };
}

function unsamv2(plus: boolean): KnownModel {
  return {
    name: plus ? "unsamv2-plus" : "unsamv2",
    aliases: plus ? ["unsamv2+"] : ["yujunwei04/UnSAMv2"],
    repo: "yujunwei04/UnSAMv2",
    file: null,
    plus,
    bytes: null,
    sha256: null,
    licence: null,
    description: plus
      ? "UnSAMv2+: weights by its authors, trained on more data, with granularity."
      : "UnSAMv2: weights by its authors, with granularity.",
    granularity: true,
  };
}

/**
 * Sizes and SHA-256 come from Git LFS pointers of a mirror of these repositories. What the hub offers is compared with them
 * before a download, and the bytes after it.
 */
export const KNOWN_MODELS: readonly KnownModel[] = [
  sam21("tiny", "tiny", 156008466, "7402e0d864fa82708a20fbd15bc84245c2f26dff0eb43a4b5b93452deb34be69"),
  sam21("small", "small", 184416285, "6d1aa6f30de5c92224f8172114de081d104bbd23dd9dc5c58996f0cad5dc4d38"),
  sam21("base-plus", "base+", 323606802, "a2345aede8715ab1d5d31b4a509fb160c5a4af1970f199d9054ccfb746c004c5"),
  sam21("large", "large", 898083611, "2647878d5dfa5098f2f8649825738a9345572bae2d4350a2468587ece47dd318"),
  unsamv2(false),
  unsamv2(true),
];

/** The model of that name or alias, or null. */
export function findKnownModel(name: string): KnownModel | null {
  return KNOWN_MODELS.find((model) => model.name === name || model.aliases.includes(name)) ?? null;
}
