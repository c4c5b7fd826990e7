export { checkBound, exactOutlines, simplifyOutlines } from "./outlines.js";
