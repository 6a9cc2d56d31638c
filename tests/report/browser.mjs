// One browser for all tests, and pages that collect whatever goes wrong in them.
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

let browser;

// Chromium's own sandbox needs rights that root in a container has not; the pages are our own.
export async function start() {
  browser = await chromium.launch({
    executablePath: process.env.EBB_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox"],
  });
}
export async function stop() {
  await browser.close();
}

// Opens a report from disk. finish() closes it, and fails if the page said anything on the console, threw, or asked for
// anything but itself.
export async function open(file, { width = 1400, height = 900, ...options } = {}) {
  const page = await browser.newPage({ viewport: { width, height }, ...options });
  page.setDefaultTimeout(10_000);
  const url = pathToFileURL(file).href;
  const faults = [];
  page.on("console", (message) => faults.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => faults.push(`error: ${error.message}`));
  page.on("request", (request) => {
    if (request.url() !== url && !request.url().startsWith("data:")) faults.push(`request: ${request.url()}`);
  });
  page.finish = async () => {
    await page.close();
    assert.deepEqual(faults, []);
  };
  // Until what was asked for is drawn: listeners of the cursor run in the next frame.
  page.settled = () =>
    page.evaluate(
      () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 0)))),
    );
  page.pixels = (canvas) => page.locator(canvas).evaluate((element) => element.toDataURL());
  // A canvas in two tones, whatever its colours: one digit a pixel.
  page.pattern = (canvas) =>
    page.locator(canvas).evaluate((element) => {
      const { data } = element.getContext("2d").getImageData(0, 0, element.width, element.height);
      const lights = Array.from(
        { length: data.length / 4 },
        (_, i) => data[4 * i] + 2 * data[4 * i + 1] + data[4 * i + 2],
      );
      const middle = (Math.min(...lights) + Math.max(...lights)) / 2;
      return lights.map((light) => (light > middle ? 1 : 0)).join("");
    });
  page.setCursor = async ({ row, column }) => {
    for (const [i, value] of [row, column].entries()) await page.locator(".slider input").nth(i).fill(String(value));
    await page.settled();
  };
  await page.goto(url);
  await page.waitForFunction(() => document.documentElement.dataset.ready);
  await page.settled();
  return page;
}
