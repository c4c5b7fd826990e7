import { spawn } from "node:child_process";
import { Command } from "commander";
import { port } from "../arguments.js";
import { withExamples } from "../help/examples.js";
import { loadModel, type ModelOptions } from "../load-model.js";
import { optionalPackage } from "../optional-package.js";
import { withModelOptions } from "../prompt-flags.js";
import type { Interrupt } from "../terminal/interrupt.js";
import { print, tell } from "../terminal/output.js";
import { toldToStop } from "../terminal/told-to-stop.js";

interface StudioFlags extends ModelOptions {
  readonly port: number;
  readonly open: boolean;
  readonly maxPixels?: number;
}

export function studioCommand(interrupt: Interrupt): Command {
  const command = withModelOptions(new Command("studio"))
    .description(
      "Segment photos by hand on a page in the browser, until it is told to stop. It is a package of its own: npm i @unsam/studio.",
    )
    .argument("[photos]", "a photo, or a folder of photos, that the page offers")
    .option(
      "--calibration <file>",
      "what unsam calibrate wrote: granularities then mean what it was fitted to",
    )
    .option("--port <n>", "where to listen, on this machine only; 0: any that is free", port, 0)
    .option("--no-open", "only print the address, open no browser")
    .action((photos: string | undefined, flags: StudioFlags) => runStudio(photos, flags, interrupt));
  return withExamples(command, [
    ["unsam studio", "open the page; drop a photo on it"],
    ["unsam studio photos/", "with the photos of a folder to choose from"],
    ["unsam studio street.jpg --no-open --port 4000", "print the address, for a browser of your choice"],
  ]);
}

async function runStudio(path: string | undefined, flags: StudioFlags, interrupt: Interrupt): Promise<void> {
  const { signal } = interrupt;
  const { startStudio } = await optionalPackage("@unsam/studio", "studio", () => import("@unsam/studio"));
  await using unsam = await loadModel(flags, signal);
  const studio = await startStudio({
    path,
    unsam,
    port: flags.port,
    maxPixels: flags.maxPixels,
    signal,
  });
  interrupt.bePatient();
  const stop = toldToStop(signal);
  for (const note of studio.notes) tell(`unsam: ${note}`);
  // Alone on standard output, for scripts.
  print(`${studio.url}\n`);
  tell("unsam: The studio is at this address, which holds its key. Ctrl-C stops it.");
  if (flags.open) openBrowser(studio.url);
  await stop;
  await studio.stop();
  process.exitCode = 0;
}

/** Asks the system to show an address. Where nothing can, the address has been printed. */
function openBrowser(url: string): void {
  const [program, ...args] = {
    darwin: ["open"],
    win32: ["rundll32", "url.dll,FileProtocolHandler"],
  }[process.platform as "darwin" | "win32"] ?? ["xdg-open"];
  const child = spawn(program, [...args, url], { stdio: "ignore", detached: true });
  child.on("error", () => {});
  child.unref();
}
