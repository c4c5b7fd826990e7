import { runProgram } from "./run-program.js";
import { Interrupt } from "./terminal/interrupt.js";
import { guardOutput } from "./terminal/output.js";

guardOutput();
const interrupt = new Interrupt();
await runProgram(process.argv.slice(2), interrupt);
if (interrupt.signal.aborted) await interrupt.leave();
