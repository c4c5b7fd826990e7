import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { inRepository } from "@unsam/test-support";
import { photo } from "./server.js";

/** A project's labelling config, as Label Studio's template of interactive segmentation has it. */
export const CONFIG = `<View>
  <Image name="image" value="$image" zoom="true"/>
  <BrushLabels name="tag" toName="image">
    <Label value="Banana" background="#FF0000"/>
    <Label value="Orange" background="#0d14d3"/>
  </BrushLabels>
  <KeyPointLabels name="tag2" toName="image" smart="true">
    <Label value="Banana" background="#000000" showInline="true"/>
    <Label value="Orange" background="#000000" showInline="true"/>
  </KeyPointLabels>
  <RectangleLabels name="tag3" toName="image" smart="true">
    <Label value="Banana" background="#000000" showInline="true"/>
    <Label value="Orange" background="#000000" showInline="true"/>
  </RectangleLabels>
</View>`;

/** A click with the smart tool, in percent of a photo of 96 × 72 pixels. */
export function keypoint(x: number, y: number, isPositive = true, label = "Orange") {
  return {
    original_width: 96,
    original_height: 72,
    image_rotation: 0,
    value: { x: (100 * x) / 96, y: (100 * y) / 72, width: 0.3189792663476874, keypointlabels: [label] },
    is_positive: isPositive,
    id: "fBWv1t0S2L",
    from_name: "tag2",
    to_name: "image",
    type: "keypointlabels",
    origin: "manual",
  };
}

export function rectangle(x0: number, y0: number, x1: number, y1: number, rotation = 0) {
  const value = {
    x: (100 * x0) / 96,
    y: (100 * y0) / 72,
    width: (100 * (x1 - x0)) / 96,
    height: (100 * (y1 - y0)) / 72,
    rotation,
    rectanglelabels: ["Banana"],
  };
  return { ...keypoint(0, 0), value, from_name: "tag3", type: "rectanglelabels", is_positive: undefined };
}

/** What Label Studio sends to `/predict` while an annotator works on a task; without `result` the context is null. */
export function predictRequest(image: unknown, result?: readonly unknown[], more: object = {}) {
  return {
    tasks: [
      {
        id: 6,
        data: { image },
        meta: {},
        created_at: "2024-04-11T09:21:35.284631Z",
        updated_at: "2024-04-11T09:21:35.284642Z",
        is_labeled: false,
        overlap: 1,
        inner_id: 6,
        total_annotations: 0,
        cancelled_annotations: 0,
        total_predictions: 0,
        comment_count: 0,
        unresolved_comment_count: 0,
        last_comment_updated_at: null,
        project: 3,
        updated_by: null,
        file_upload: 8,
        comment_authors: [],
        annotations: [],
        predictions: [],
        drafts: [],
        ...more,
      },
    ],
    project: "3.1712826860",
    label_config: CONFIG,
    params: {
      login: null,
      password: null,
      context: result === undefined ? null : { result, draft_id: 0, user_id: 1, annotation_id: null },
    },
  };
}

export const API_KEY = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c";
/** A refresh token, and what it buys: header and payload are JSON, the signatures nonsense. */
export const PERSONAL_KEY = "eyJhbGciOiJIUzI1NiJ9.eyJ0b2tlbl90eXBlIjoicmVmcmVzaCJ9.c2lnbmF0dXJl";
export const ACCESS_TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJ0b2tlbl90eXBlIjoiYWNjZXNzIn0.c2lnbmF0dXJl";

/** A photo with parts and wholes; it is served as `fruit.jpg`. */
export const FRUIT = inRepository("docs", "images", "fruit-board.jpg");

export interface FakeLabelStudio {
  readonly url: string;
  /** Method, address and authorization of each request. */
  readonly asked: string[];
  /** Where addresses lead on to. */
  readonly redirects: Map<string, string>;
  close(): Promise<void>;
}

/** Label Studio as far as a backend sees it: photos for whoever has the key. */
export async function startLabelStudio(): Promise<FakeLabelStudio> {
  const asked: string[] = [];
  const redirects = new Map<string, string>();
  const [plain, fruit] = [await photo(), await readFile(FRUIT)];
  const server = createServer(async (request, response) => {
    const { method, url = "", headers } = request;
    asked.push(`${method} ${url} ${headers.authorization ?? "-"}`);
    const location = redirects.get(url);
    if (location !== undefined) return response.writeHead(302, { location }).end();
    if (url === "/api/token/refresh/") {
      const isRight = JSON.parse(await textOf(request)).refresh === PERSONAL_KEY;
      return response
        .writeHead(isRight ? 200 : 401)
        .end(JSON.stringify(isRight ? { access: ACCESS_TOKEN } : {}));
    }
    const isKnown = [`Token ${API_KEY}`, `Bearer ${ACCESS_TOKEN}`].includes(headers.authorization ?? "");
    if (!isKnown) return response.writeHead(401).end();
    return response.writeHead(200).end(url.endsWith("/fruit.jpg") ? fruit : plain);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () => {
    server.closeAllConnections();
    return new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return { url, asked, redirects, close };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const part of request) text += part;
  return text;
}
