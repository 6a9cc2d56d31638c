// What must hold of every report, whatever is in it.
import assert from "node:assert/strict";
import { basename, dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { open } from "./browser.mjs";
import { nameless } from "./accessibility.mjs";

const text = (page, selector) => page.locator(selector).first().textContent();

export function everyReport(file) {
  describe(join(basename(dirname(file)), basename(file)), () => {
    let page;
    let has; // which parts this report has
    before(async () => {
      page = await open(file);
      const count = (selector) => page.locator(selector).count();
      has = { runs: (await count(".heat")) > 0, tape: (await count(".explorer")) > 0 };
    });
    after(() => page.finish());

    test("is not broken", async () => {
      assert.equal(await page.locator(".broken").count(), 0);
      assert.notEqual(await text(page, "#title"), "");
    });

    test("a loss that can be had without the input is beside that of the run", async (t) => {
      const data = await page.evaluate("JSON.parse(document.getElementById('ebb-data').textContent)");
      const isKnown = ({ config, updates }) => typeof config?.trivial_loss === "number" && updates.length > 0;
      const known = data.runs.filter(isKnown).length;
      if (known === 0) return t.skip("not known");
      assert.equal(await page.locator(".kind[aria-label=Loss] .key").getByText("ignoring the input").count(), known);
    });

    test("every control has a name, every picture a text", async () => {
      assert.deepEqual(await nameless(page), []);
    });

    test("nothing is wider than the window", async () => {
      for (const width of [1400, 900, 390]) {
        await page.setViewportSize({ width, height: 900 });
        await page.settled();
        assert.equal(await page.evaluate("document.documentElement.scrollWidth"), width);
      }
      await page.setViewportSize({ width: 1400, height: 900 });
      await page.settled();
    });

    test("light and dark, chosen and by the system, and always light on paper", async () => {
      const ground = () => page.evaluate("getComputedStyle(document.documentElement).backgroundColor");
      const becomes = (theme) =>
        page.waitForFunction((wanted) => document.documentElement.dataset.theme === wanted, theme);
      const light = await ground();
      await page.emulateMedia({ colorScheme: "dark" });
      await becomes("dark");
      assert.notEqual(await ground(), light);
      await page.emulateMedia({ media: "print", colorScheme: "dark" });
      await becomes("light");
      assert.equal(await page.locator(".controls").first().isVisible(), false);
      await page.emulateMedia({ media: "screen", colorScheme: "light" });
      await page.getByLabel("theme").selectOption("dark");
      await becomes("dark");
      await page.getByLabel("theme").selectOption("auto");
      assert.equal(await ground(), light);
    });

    test("a click in the heat map moves the cursor, and the slice follows", async (t) => {
      if (!has.runs) return t.skip("no runs");
      const last = (i) => page.locator(".slider input").nth(i).getAttribute("max");
      await page.setCursor({ row: await last(0), column: await last(1) });
      const place = async () => (await text(page, ".heat .readout")).match(/^update (\d+), step (\d+): ./).slice(1);
      const [, step] = await place();
      const box = await page.locator(".heat .map-frame").first().boundingBox();
      await page
        .locator(".heat .map-frame")
        .first()
        .click({ position: { x: box.width * 0.4, y: box.height * 0.2 } });
      await page.settled();
      assert.notEqual((await place())[1], step);
      const value = (await text(page, ".heat .readout strong")).replace(/^norm /, "");
      assert.equal(await text(page, ".kind[aria-label^='One way back'] .key .value"), value);
    });

    test("arrows move the cursor by one, and what it says is heard", async (t) => {
      if (!has.runs) return t.skip("no runs");
      await page.setCursor({ row: 0, column: 1 });
      await page.locator(".heat").first().focus();
      const sliders = () =>
        page.locator(".slider input").evaluateAll((inputs) => inputs.map((input) => Number(input.value)));
      await page.keyboard.press("ArrowRight");
      await page.settled();
      assert.deepEqual(await sliders(), [0, 2]);
      await page.keyboard.press("ArrowDown");
      await page.settled();
      const last = Number(await page.locator(".slider input").first().getAttribute("max"));
      assert.deepEqual(await sliders(), [Math.min(1, last), 2]);
      const said = await text(page, ".slider output");
      await page.waitForFunction(
        (update) => document.getElementById("said").textContent.startsWith(`Update ${update}, `),
        said.match(/[\d.]+/)[0],
      );
    });

    test("plays and pauses", async (t) => {
      if (!has.runs || (await page.locator(".slider input").first().getAttribute("max")) === "0")
        return t.skip("nothing to play");
      await page.setCursor({ row: 0, column: 1 });
      const play = page.locator(".controls .play");
      await play.click();
      await page.waitForFunction(() => Number(document.querySelector(".slider input").value) > 0);
      if ((await play.textContent()).includes("Pause")) await play.click(); // a short run may be over by now
      await page.settled();
      assert.match(await play.textContent(), /Play/);
      const at = await page.locator(".slider input").first().inputValue();
      await page.waitForTimeout(300);
      assert.equal(await page.locator(".slider input").first().inputValue(), at);
    });

    test("a record leads to its equation of the article", async (t) => {
      if (!has.tape) return t.skip("no tape");
      const link = page.locator(".record cite a").first();
      assert.equal(await page.locator(await link.getAttribute("href")).count(), 1);
      await link.click();
      assert.match(await page.evaluate("document.activeElement.id || location.hash"), /article-step-[1-9]$/);
    });

    test("the tape unfolds and folds, and the sweep steps backwards", async (t) => {
      if (!has.tape) return t.skip("no tape");
      const columns = () => page.locator(".tape thead th").count();
      const folded = await columns();
      const hasFold = (await page.locator(".tape .fold").count()) > 0;
      await page.getByRole("button", { name: "Unfold steps", exact: true }).click();
      if (hasFold) assert.ok((await columns()) > folded);
      await page.getByRole("button", { name: "Fold steps", exact: true }).click();
      assert.equal(await columns(), folded);

      const title = () => text(page, ".record h3");
      await page.locator(".cell").first().click();
      const first = await title();
      await page.getByRole("button", { name: /^To the loss/ }).click();
      const loss = await title();
      assert.notEqual(first, loss);
      await page.getByRole("button", { name: /^Step backwards/ }).click();
      assert.notEqual(await title(), loss);
      const second = await title();
      assert.match(await text(page, ".sweep .readout"), /^2 of \d+: from record \d+ to \d+/);
      await page.getByRole("button", { name: /^Undo/ }).click();
      assert.equal(await title(), loss);
      await page.locator(".cell[aria-pressed=true]").focus();
      await page.keyboard.press("ArrowLeft");
      if ((await title()) === loss) await page.keyboard.press("ArrowUp"); // nothing to its left
      assert.notEqual(await title(), loss);
      await page.getByRole("button", { name: /^To the loss/ }).click();
      await page.getByRole("button", { name: /^Step backwards/ }).click();
      assert.equal(await title(), second);
      const input = page.locator(".record-link").first();
      const name = await input.textContent();
      await input.click();
      assert.equal(await title(), `Record ${name.replace(" ", ": ")}`);
      assert.notEqual(await text(page, ".equation"), "");
    });

    test("works by keyboard alone, and shows where it is", async (t) => {
      if (!has.runs) return t.skip("no runs");
      await page.locator(".controls .play").focus();
      const reached = new Set();
      for (let i = 0; i < 12; ++i) {
        await page.keyboard.press("Tab");
        reached.add(await page.evaluate(() => document.activeElement.className || document.activeElement.type));
        const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
        assert.equal(outline, "solid", "the focus can't be seen");
      }
      assert.ok(reached.has("range") && reached.has("heat"), [...reached].join());
    });
  });
}
