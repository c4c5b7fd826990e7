import { existsSync, readdirSync } from "node:fs";
import { expect, it } from "vitest";
import { openAddon } from "#native/open-addon.js";
import { ADDON, describeWithAddon, THREADS } from "./addon.js";

/** Threads of this process; null where the system does not tell. */
function threads(): number | null {
  return existsSync("/proc/self/task") ? readdirSync("/proc/self/task").length : null;
}

describeWithAddon("an addon", () => {
  it("is loaded once, so that its calls share their threads", async () => {
    const maps = { count: 1, width: 64, height: 64, data: new Float32Array(64 * 64) };
    const call = () =>
      openAddon(ADDON).operations.maskStatistics(maps, { ...THREADS, threshold: 0, stabilityOffset: 1 });
    await call();
    const before = threads();
    for (let i = 0; i < 10; i++) await call();
    expect(threads()).toBe(before);
    expect(openAddon(ADDON)).toBe(openAddon(ADDON));
  });
});
