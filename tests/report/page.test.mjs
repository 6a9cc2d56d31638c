// Drives report pages in a real browser: node --test page.test.mjs, with
//   EBB_TEMPLATE   the page's template.html: reports of made-up runs (samples.mjs) are tested
//   EBB_REPORTS    real reports, paths separated by ":": each must hold what every report must
//   EBB_CHROMIUM   the browser, /usr/bin/chromium unless set
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe, test } from "node:test";
import { open, start, stop } from "./browser.mjs";
import { everyReport } from "./every_report.mjs";
import { hostile, writeSamples } from "./samples.mjs";

const folder = await mkdtemp(join(tmpdir(), "ebb-report-"));
const made = process.env.EBB_TEMPLATE ? await writeSamples(resolve(process.env.EBB_TEMPLATE), folder) : {};
const real = (process.env.EBB_REPORTS ?? "")
  .split(":")
  .filter(Boolean)
  .map((path) => resolve(path));
assert.ok(real.length + Object.keys(made).length > 0, "nothing to test: set EBB_TEMPLATE or EBB_REPORTS");

before(start);
after(async () => {
  await stop();
  await rm(folder, { recursive: true });
});

for (const file of [...Object.values(made), ...real]) everyReport(file);

const text = (page, selector) => page.locator(selector).first().textContent();

describe("three runs side by side", { skip: !made.hostile }, () => {
  let page;
  before(async () => (page = await open(made["three-ways"])));
  after(() => page.finish());

  test("one cursor moves all", async () => {
    await page.locator(".heat").nth(1).focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await page.settled();
    for (const readout of await page.locator(".heat .readout").allTextContents())
      assert.match(readout, /^update 30, step 1: /);
    assert.deepEqual(
      await page
        .locator(".heat .readout strong")
        .allTextContents()
        .then((all) => all.map((one) => one.replace(/^norm .*/, "norm"))),
      ["underflow", "saturated", "norm"],
    );
  });

  test("the slice is drawn anew where the update is another", async () => {
    const slice = ".kind[aria-label^='One way back'] .u-wrap canvas >> nth=2";
    await page.setCursor({ row: 10, column: 1 });
    const before = await page.pixels(slice);
    await page.setCursor({ row: 60, column: 1 });
    assert.notEqual(await page.pixels(slice), before);
  });

  test("one colour scale for all, and another when chosen", async () => {
    const before = await page.pixels(".map-canvas >> nth=2");
    assert.equal(await page.locator(".legend").count(), 1);
    await page.locator(".legend select").selectOption("2");
    await page.settled();
    assert.notEqual(await page.pixels(".map-canvas >> nth=2"), before);
  });

  test("the same axes for all, or each run's own", async () => {
    const slice = ".kind[aria-label^='One way back'] .u-wrap canvas >> nth=2";
    const before = await page.pixels(slice);
    await page.getByLabel("axes").selectOption("own");
    await page.settled();
    assert.notEqual(await page.pixels(slice), before);
  });

  test("the loss stands beside that of an answer that ignores the input", async () => {
    for (const panel of await page.locator(".kind[aria-label=Loss] .panel").all())
      assert.match(await panel.locator(".key").textContent(), /ignoring the input: 1\.39/);
  });

  test("the first row of a map is seen where the cursor stands on it", async () => {
    await page.setCursor({ row: 0, column: 1 });
    const [frame, cross] = await Promise.all(
      [".heat .map-frame", ".heat .across"].map((part) => page.locator(part).first().boundingBox()),
    );
    const rows = Number(await page.locator(".slider input").first().getAttribute("max")) + 1;
    assert.ok(cross.height >= 0.9 * ((frame.height - 32) / rows) + 2, `${cross.height} px around a row`);
  });

  test("what differs between the runs comes first", async () => {
    assert.equal(await text(page, "tr.differs th"), "run");
    assert.ok((await page.locator("tr.differs").count()) >= 3);
  });
});

describe("hostile names", { skip: !made.hostile }, () => {
  test("are text wherever they stand", async () => {
    const page = await open(made.hostile);
    assert.equal(await page.locator("img").count(), 0);
    assert.ok((await page.title()).startsWith("</script><img"));
    assert.equal(await text(page, "#title"), hostile);
    assert.equal(await text(page, ".verdict h2"), hostile);
    assert.ok((await page.getByText(hostile, { exact: false }).count()) > 8);
    await page.finish();
  });

  test("every kind has a pattern and a word", async () => {
    const page = await open(made.hostile);
    assert.equal(await page.locator(".kinds li:not(.absent)").count(), 6);
    const words = ["zero", "no path", "saturated", "underflow", "infinity", "NaN"];
    const seen = new Set();
    for (const [i, word] of words.entries()) {
      await page.setCursor({ row: 17 * i, column: 5 });
      assert.equal(await text(page, ".heat .readout strong"), word);
      seen.add(await page.pattern(`.kinds .swatch >> nth=${i}`));
    }
    assert.equal(seen.size, words.length);
    await page.finish();
  });
});

test("a log without anything yet says so", { skip: !made.nothing }, async () => {
  const page = await open(made.nothing);
  assert.match(await text(page, "#main"), /^Nothing is logged yet/);
  await page.finish();
});

test("a verdict has the colour of what it says, and none where it can't tell", { skip: !made.edges }, async () => {
  const trends = async (file) => {
    const page = await open(file);
    const seen = await page.locator(".verdict").evaluateAll((cards) => cards.map((card) => card.dataset.trend));
    await page.finish();
    return seen;
  };
  assert.deepEqual(await trends(made["three-ways"]), ["fades", "surges", "holds"]);
  assert.deepEqual(await trends(made.edges), ["unknown", "unknown"]);
});

test("a loss below 0 is shown as it is", { skip: !made.edges }, async () => {
  const page = await open(made.edges);
  assert.match(await text(page, ".kind[aria-label=Loss] .key .value"), /^−1$/);
  await page.finish();
});

describe("an experiment", { skip: !made.experiment }, () => {
  test("says PASS and FAIL in words, and reads its map", async () => {
    const page = await open(made.experiment);
    assert.deepEqual(await page.locator("td strong").allTextContents(), ["✓ PASS", "✓ PASS", "✗ FAIL"]);
    assert.deepEqual(await page.locator(".claim strong").allTextContents(), ["✗ FAIL", "unfinished"]);
    await page.locator(".map-frame").click({ position: { x: 200, y: 100 } });
    assert.match(await text(page, ".readout"), /^w .*, b .*: log₁₀ error /);
    await page.finish();
  });
});

test("two million cells open in reasonable time", { skip: !made.big }, async (t) => {
  const page = await open(made.big);
  t.diagnostic(
    `2 000 × 1 000: ready ${await page.evaluate("document.documentElement.dataset.ready")} ms after the start (2 000 wanted)`,
  );
  await page.finish();
});
