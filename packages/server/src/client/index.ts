export type {
  ErrorAnswer,
  EverythingEvent,
  ImageAnswer,
  LadderAnswer,
  ModelsAnswer,
  SegmentAnswer,
  SegmentsAnswer,
  StatusAnswer,
} from "../schemas/answers.js";
export type {
  EverythingRequest,
  Granularity,
  LadderRequest,
  Prompt,
  RLE,
  SegmentRequest,
} from "../schemas/requests.js";
export { type CallOptions, type ClientOptions, ServiceFailure, UnSAMClient } from "./client.js";
