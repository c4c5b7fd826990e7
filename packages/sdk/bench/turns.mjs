// Contenders take turns, so that whatever else the machine does meets all of them alike.
import { performance } from "node:perf_hooks";
import { setTimeout as pause } from "node:timers/promises";

export const median = (times) => [...times].sort((a, b) => a - b)[times.length >> 1];

/** Threads of the one before spin for a while before they sleep: waits until this process does nothing. */
async function quiet() {
  for (let tries = 0; tries < 40; tries++) {
    const before = process.cpuUsage();
    await pause(10);
    const { user, system } = process.cpuUsage(before);
    if (user + system < 1000) return;
  }
}

/** Median wall and processor time of each call, in milliseconds; the calls take turns of `repeats`. */
export async function takeTurns(calls, { runs, repeats }) {
  const wall = calls.map(() => []);
  const processor = calls.map(() => []);
  for (let run = -1; run < runs; run++) {
    for (const [i, call] of calls.entries()) {
      await quiet();
      await call();
      const [cpu, started] = [process.cpuUsage(), performance.now()];
      for (let repeat = 0; repeat < repeats; repeat++) await call();
      const took = performance.now() - started;
      const { user, system } = process.cpuUsage(cpu);
      if (run < 0) continue; // warm-up
      wall[i].push(took / repeats);
      processor[i].push((user + system) / 1e3 / repeats);
    }
  }
  return calls.map((_, i) => ({ wall: median(wall[i]), processor: median(processor[i]) }));
}
