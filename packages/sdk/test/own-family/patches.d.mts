import type { NetworkFamily } from "@unsam/core/models";

export declare const patches: NetworkFamily;
export default patches;
