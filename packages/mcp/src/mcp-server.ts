import { type CallToolResult, McpServer } from "@modelcontextprotocol/server";
import { UnSAMError } from "@unsam/core/errors";
import type { EncodedPhotos } from "./encoded-photos.js";
import { TOOLS } from "./schemas.js";
import { type Answer, describeScene, everything, ladder, segment } from "./tools.js";
import { version } from "./version.js";

/** It reads photos, and the same question has the same answer. */
const annotations = {
  readOnlyHint: true,
  idempotentHint: true,
  destructiveHint: false,
  openWorldHint: false,
};

/** A server with the four tools, over photos that may be read. `tell` gets faults that are ours. */
export function mcpServer(images: EncodedPhotos, tell: (sentence: string) => void): McpServer {
  const server = new McpServer({ name: "unsam", version }, { instructions: INSTRUCTIONS });
  const answer = (work: Promise<Answer<keyof typeof TOOLS>>) =>
    work.then(resultOf, (error) => refusal(error, tell));
  server.registerTool(
    "segment",
    {
      title: "Segment an object",
      description:
        "Gives the mask of what clicks or a box in a photo mean, at a granularity from part to whole.",
      ...{ inputSchema: TOOLS.segment.input, outputSchema: TOOLS.segment.output, annotations },
    },
    ({ image, ...input }, { mcpReq: { signal } }) =>
      answer(images.use(image, signal, (encoded) => segment(encoded, input, signal))),
  );
  server.registerTool(
    "ladder",
    {
      title: "Scales of an object",
      description:
        "Gives the different masks that a click or a box means, from the finest part to the whole.",
      ...{ inputSchema: TOOLS.ladder.input, outputSchema: TOOLS.ladder.output, annotations },
    },
    ({ image, ...input }, { mcpReq: { signal } }) =>
      answer(images.use(image, signal, (encoded) => ladder(encoded, input, signal))),
  );
  server.registerTool(
    "everything",
    {
      title: "Segment everything",
      description: "Finds all masks of a photo with the whole that each is a part of.",
      ...{ inputSchema: TOOLS.everything.input, outputSchema: TOOLS.everything.output, annotations },
    },
    ({ image, ...input }, { mcpReq: { signal } }) =>
      answer(images.use(image, signal, (encoded) => everything(encoded, input, signal))),
  );
  server.registerTool(
    "describe_scene",
    {
      title: "Describe a scene",
      description:
        "Tells in words which regions a photo has, where they lie, and how many parts each has. It names no objects.",
      ...{ inputSchema: TOOLS.describe_scene.input, outputSchema: TOOLS.describe_scene.output, annotations },
    },
    ({ image, ...input }, { mcpReq: { signal } }) =>
      answer(images.use(image, signal, (encoded) => describeScene(encoded, input, signal))),
  );
  return server;
}

const INSTRUCTIONS =
  "Segments photos of the folders that were named. Coordinates are pixels of the photo, from its upper left corner. " +
  "Masks have no names: look at the picture to see what they show.";

function resultOf({ structured, say, picture }: Answer<keyof typeof TOOLS>): CallToolResult {
  return {
    content: [{ type: "text", text: say }, ...(picture ? [picture] : [])],
    structuredContent: structured as Record<string, unknown>,
  };
}

function refusal(error: unknown, tell: (sentence: string) => void): CallToolResult {
  const isOurs = !UnSAMError.isInstance(error);
  if (isOurs) tell(error instanceof Error ? (error.stack ?? error.message) : String(error));
  const text = isOurs ? "The tool failed; standard error of unsam mcp tells why." : error.message;
  return { isError: true, content: [{ type: "text", text }] };
}
