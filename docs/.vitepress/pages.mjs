// The pages of the site in their order. A document that no section names stands under "More".
export const SECTIONS = [
  {
    title: "Start",
    pages: ["quick-start", "models", "nano", "command-line", "examples"],
  },
  {
    title: "Guides",
    pages: [
      ...[
        "studio",
        "granularity",
        "whole-images",
        "large-images",
        "video",
        "formats",
        "service",
        "queue",
        "mcp",
      ],
      ...["lifecycle", "bundlers", "performance", "troubleshooting"],
    ],
  },
  {
    title: "Files",
    pages: ["checkpoints", "encoded-image", "scene-file"],
  },
  {
    title: "Models and training",
    pages: ["region-tree", "evaluation", "training", "pseudo-labels"],
  },
  {
    title: "Extending",
    pages: ["extending/add-a-model", "extending/add-a-kernel", "contributing"],
  },
];

/** Short names for the list of pages, where a heading is long. */
export const NAMES = {
  models: "Models",
  nano: "The model nano",
  "command-line": "Command line",
  granularity: "Granularity",
  "large-images": "Large images",
  video: "Video",
  formats: "Annotation formats",
  service: "The service",
  studio: "The studio",
  queue: "Many machines",
  mcp: "MCP",
  lifecycle: "Lifecycle of objects",
  checkpoints: "Checkpoints",
  "encoded-image": "Saved encodings",
  "scene-file": "Scene file",
  "region-tree": "Region tree",
  evaluation: "Evaluation",
  training: "Training",
  "pseudo-labels": "Pseudo-labels",
};

/** What llms.txt says of pages that do not begin with a sentence about themselves. */
export const ABOUT = {
  "quick-start": "Install, the first mask, corrections, the command line.",
  "command-line": "All commands of unsam and their options.",
  models: "Built-in models, official weights by name, downloads, the cache.",
  studio: "unsam studio: a page to segment photos by hand, its keys, what it exports.",
  service: "unsam serve: HTTP routes, limits, tokens, metrics, a typed client, a Fastify plugin.",
  queue: "unsam enqueue and unsam work: a queue on Redis, any number of workers, each result once.",
  mcp: "unsam mcp: segment, ladder, everything and describe_scene as tools for an assistant.",
  lifecycle: "Dispose, AbortSignal, worker threads, the end of the process.",
  bundlers: "Recipes for esbuild, webpack, Next.js and Electron.",
  performance: "Installed size, times and memory, with the command that measures each.",
  troubleshooting: "Every error code and what to do; common problems.",
  checkpoints: "Which files of weights are read, and what is said about others.",
  "encoded-image": "The file format of saved encodings.",
  "scene-file": "The file format of scenes.",
  "region-tree": "The model without weights: how it works, and its weak spots.",
  "extending/add-a-model": "A model family from outside or in the package.",
  contributing: "Commands, principles, words, how to release.",
};

/** Documents of the repository outside of docs/ that are pages, and their names on the site. */
export const BROUGHT = {
  "packages/model-nano/README.md": "nano.md",
  "packages/cli/README.md": "command-line.md",
  "packages/examples/README.md": "examples.md",
  "CONTRIBUTING.md": "contributing.md",
};

/** Folders of pages with a section of their own. */
export const FOLDERS = { decisions: "Decisions", api: "API" };
