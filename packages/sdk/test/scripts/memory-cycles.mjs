// Loads, encodes, asks and disposes again and again, and prints how far the process's memory grew after the first
// WARM_UP cycles, in MB: the least of up to three turns of CYCLES. node --expose-gc memory-cycles.mjs WARM_UP CYCLES PHOTO [CHECKPOINT CONFIG]
// With MALLOC_ARENA_MAX=1: glibc keeps what each ended thread has freed, up to 100 MB that come and go. Until
// what V8 and Node keep for themselves grows no more, 40 encodes pass on Node 22, and 60 loads on Node 24.
import { setImmediate } from "node:timers/promises";
import { UnSAM } from "@unsam/sdk";

const [warmUp, cycles, photo, checkpoint, config] = process.argv.slice(2);
/** Growth in MB that is not measured again. */
const FEW = 5;
const model = checkpoint ? { checkpoint, config } : "region-tree";
const kept = checkpoint ? null : await UnSAM.load({ model });

async function cycle() {
  const unsam = kept ?? (await UnSAM.load({ model }));
  const image = await unsam.encode(photo);
  await image.segment({ points: [[100, 100]], ...(checkpoint ? { granularity: 0.5 } : {}) });
  await image.dispose();
  if (!kept) await unsam.dispose();
}

/** The least of five readings: what the allocator keeps in reserve is no leak. */
async function resident() {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 5; i++) {
    await cycle();
    // Finalizers run after a collection, in turns of the event loop of their own.
    for (let turn = 0; turn < 3; turn++) {
      globalThis.gc();
      await setImmediate();
    }
    least = Math.min(least, process.memoryUsage.rss());
  }
  return least / 1e6;
}

for (let i = 0; i < Number(warmUp); i++) await cycle();
// What leaks grows each time; what the allocator takes and gives back, 10 MB and more on some machines, does not.
let least = Number.POSITIVE_INFINITY;
for (let turn = 0; turn < 3 && least > FEW; turn++) {
  const before = await resident();
  for (let i = 0; i < Number(cycles); i++) await cycle();
  least = Math.min(least, (await resident()) - before);
}
console.log(least);
await kept?.dispose();
