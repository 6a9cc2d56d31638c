// node build.mjs [FILE]: puts page, styles, scripts and uPlot into one file (template.html). C++ writes a report by
// replacing EBB_DATA in it by JSON whose every "<" is written \u003c.
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const output = process.argv[2] ?? join(here, "template.html");
const mark = '<script type="application/json" id="ebb-data">EBB_DATA</script>';

async function bundled(entry) {
  const { outputFiles } = await build({
    entryPoints: [join(here, entry)],
    bundle: true,
    minify: true,
    write: false,
    format: "iife",
    target: ["es2023", "chrome111", "firefox115", "safari16.4"],
    charset: "utf8",
    legalComments: "none",
    logLevel: "error",
  });
  return outputFiles[0].text.trim();
}

function replaced(text, place, by) {
  if (text.split(place).length !== 2) throw new Error(`index.html must have ${place} once`);
  return text.replace(place, () => by);
}

const licence = await readFile(join(here, "node_modules/uplot/LICENSE"), "utf8");
let page = await readFile(join(here, "src/index.html"), "utf8");
page = replaced(
  page,
  "<!-- LICENCE -->",
  `<!--\nThis page contains uPlot, https://github.com/leeoniya/uPlot\n\n${licence.trim()}\n-->`,
);
page = replaced(page, "/* STYLE */", await bundled("src/style.css"));
page = replaced(page, "/* SCRIPT */", await bundled("src/main.js"));
if (page.split(mark).length !== 2) throw new Error(`the page must have ${mark} once`);
await writeFile(output, page);
