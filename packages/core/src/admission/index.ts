export { Admission } from "./admission.js";
export { DEFAULT_MAX_PIXELS_IN_FLIGHT, PixelRoom, photosInFlight, type Share } from "./pixel-room.js";
