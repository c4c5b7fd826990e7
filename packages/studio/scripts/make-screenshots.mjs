// Takes the pictures of docs/studio.md: `npm run figures:studio`, with a Chromium on this machine.
import { fileURLToPath } from "node:url";
import { startStudio } from "@unsam/studio";
import sharp from "sharp";
import { openBrowser } from "./browser.mjs";

const images = new URL("../../../docs/images/", import.meta.url);
const PHOTO = { width: 512, height: 341 };
const GAP = 12;

const studio = await startStudio({
  path: fileURLToPath(new URL("fruit-board.jpg", images)),
  load: { model: "nano" },
});
const browser = await openBrowser();
const page = await browser.newPage();
page.setDefaultTimeout(120_000);

/** Where a point of the photo lies on the screen. */
async function place(x, y) {
  const view = await page.locator(".stage-view").boundingBox();
  const scale = Math.min((view.width - 32) / PHOTO.width, (view.height - 32) / PHOTO.height, 3);
  return [
    view.x + (view.width - PHOTO.width * scale) / 2 + x * scale,
    view.y + (view.height - PHOTO.height * scale) / 2 + y * scale,
  ];
}

async function shoot({ width, height, colorScheme }) {
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme });
  await page.mouse.move(2, 2);
  await page.waitForTimeout(500);
  return page.screenshot();
}

async function save(name, pictures, width) {
  const sizes = await Promise.all(pictures.map((picture) => sharp(picture).metadata()));
  const across = sizes.reduce((sum, size) => sum + size.width + GAP, -GAP);
  const sheet = await sharp({
    create: { width: across, height: sizes[0].height, channels: 3, background: "#888888" },
  })
    .composite(
      pictures.map((input, k) => ({
        input,
        top: 0,
        left: sizes.slice(0, k).reduce((sum, size) => sum + size.width + GAP, 0),
      })),
    )
    .png()
    .toBuffer();
  await sharp(sheet)
    .resize(width)
    .png({ palette: true, colours: 128, effort: 10, dither: 0.6 })
    .toFile(fileURLToPath(new URL(name, images)));
}

const wide = { width: 1280, height: 800 };
const tablet = { width: 820, height: 1020 };
const phone = { width: 390, height: 844 };

await page.setViewportSize(wide);
await page.goto(studio.url);
await page.getByText(/^Encoded in/).waitFor();
// The first answer of a process takes longer than those that follow.
await page.mouse.click(...(await place(185, 180)));
await page.getByText(/^Answer in/).waitFor();
await page.getByRole("button", { name: "Undo" }).click();
await page.mouse.click(...(await place(323, 123)));
await page.getByText(/^Answer in/).waitFor();
await page.getByRole("textbox", { name: "Name of object 1" }).fill("mango");
await page.getByRole("button", { name: "New object" }).click();
await page.mouse.click(...(await place(185, 180)));
await page.getByText(/^Answer in/).waitFor();
await page.getByRole("textbox", { name: "Name of object 2" }).fill("lettuce");
await page.locator(".stage-view").focus();
await page
  .getByRole("listitem")
  .first()
  .click({ position: { x: 4, y: 20 } });
await page.locator(".stage-view").focus();
const light = await shoot({ ...wide, colorScheme: "light" });
await save("studio-wide.png", [light], 1000);
const tablets = [
  await shoot({ ...tablet, colorScheme: "light" }),
  await shoot({ ...tablet, colorScheme: "dark" }),
];
await save("studio-tablet.png", tablets, 1000);
const phones = [
  await shoot({ ...phone, colorScheme: "light" }),
  await shoot({ ...phone, colorScheme: "dark" }),
];
await save("studio-phone.png", phones, 800);
await page.setViewportSize(wide);
await page.getByRole("tab", { name: "Everything" }).click();
await page.getByRole("tree").waitFor();
await page.mouse.click(...(await place(323, 123)));
await save("studio-everything.png", [await shoot({ ...wide, colorScheme: "dark" })], 1000);
await browser.close();
await studio.stop();
