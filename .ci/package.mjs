// Packs gyre and uses the package as its users do: the kernel alone without any other package, in Node and bundled in a page;
// everything from a plain install. Usage: node .ci/package.mjs SCRATCH_FOLDER
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { build } from "esbuild";
import { chromium } from "playwright-core";

/** Bytes of the package as it is downloaded: 1.69 million, of which kernels are the most, in ten builds and once more for the benches. */
const PACKAGE_BYTES_MAX = 1_800_000;
const CHROMIUM_FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"];
const OFFLINE_FLAGS = ["--disable-background-networking", "--disable-component-update", "--disable-sync"];

const root = process.cwd();
const scratch = process.argv[2];
if (scratch === undefined) throw new Error("usage: node .ci/package.mjs SCRATCH_FOLDER");
const npm = (folder, ...args) =>
  execFileSync("npm", args, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });

function project(name) {
  const folder = join(scratch, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "package.json"), '{ "type": "module", "private": true }');
  return folder;
}

const [pack] = JSON.parse(npm(root, "pack", "--json", "--ignore-scripts", "--pack-destination", scratch));
const tarball = join(scratch, pack.filename);
const folders = [
  ...new Set(
    pack.files.map(({ path }) =>
      path
        .split("/")
        .slice(0, path.startsWith("build/") ? 2 : 1)
        .join("/"),
    ),
  ),
];
console.log(`${pack.filename}: ${pack.size} bytes, ${pack.files.length} files: ${folders.join(" ")}`);
assert.ok(pack.size < PACKAGE_BYTES_MAX, `the package has ${pack.size} bytes`);
assert.deepEqual(
  folders.filter(
    (name) =>
      !/^(asconfig\.json|assembly|docs|examples|src|package\.json|[A-Z]+\.md|LICENSE|build\/(THIRD-PARTY\.txt|bench|js|types|viewer))$/.test(
        name,
      ),
  ),
  [],
);
// What the documents link to is there, pictures of the page aside.
const packed = new Set(
  pack.files.flatMap(({ path }) => path.split("/").map((_, i, all) => all.slice(0, i + 1).join("/"))),
);
const broken = [...packed]
  .filter((path) => path.endsWith(".md"))
  .flatMap((path) =>
    [...readFileSync(path, "utf8").matchAll(/\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)/g)]
      .map(([, link]) => join(dirname(path), link))
      .filter((target) => !packed.has(target) && !target.endsWith(".png"))
      .map((target) => `${path}: ${target}`),
  );
assert.deepEqual(broken, []);

// The README's example, with nothing but the package there.
const example = /```js\n(import \{ loadKernel \} from "gyre\/kernel";[\s\S]*?)```/.exec(
  readFileSync("README.md", "utf8"),
)?.[1];
assert.ok(example, "README.md shows the kernel");
const bare = project("bare");
mkdirSync(join(bare, "node_modules", "gyre"), { recursive: true });
execFileSync("tar", ["xzf", tarball, "--strip-components=1", "-C", join(bare, "node_modules", "gyre")]);
writeFileSync(join(bare, "example.js"), example);
const printed = execFileSync(process.execPath, ["example.js"], { cwd: bare, encoding: "utf8" });
assert.match(printed, /simd: 60 ticks of 20000 entities/);

// The same in a page, from one bundled file.
await build({
  stdin: { contents: example, resolveDir: bare },
  bundle: true,
  format: "esm",
  target: "es2022",
  outfile: join(bare, "page.js"),
  logLevel: "error",
});
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: [...CHROMIUM_FLAGS, ...OFFLINE_FLAGS],
});
const page = await browser.newPage();
const said = [];
page.on("console", (message) => said.push(message.text()));
page.on("pageerror", (error) => said.push(String(error)));
await page.setContent(
  `<script type="module">${readFileSync(join(bare, "page.js"), "utf8").replaceAll("</script", "<\\/script")};document.title = "done"</script>`,
);
await page.waitForFunction(() => document.title === "done");
await browser.close();
const hashOf = (text) => /state hash ([0-9a-f]+)/.exec(text)?.[1];
assert.equal(hashOf(said.join("\n")), hashOf(printed), "the page and Node come to one hash");

// A plain install.
const plain = project("plain");
npm(plain, "install", "--silent", tarball);
copyFileSync("examples/kernel.mjs", join(plain, "example.mjs"));
assert.equal(
  hashOf(execFileSync(process.execPath, ["example.mjs"], { cwd: plain, encoding: "utf8" })),
  hashOf(printed),
);
const gyre = join(plain, "node_modules", ".bin", "gyre");
assert.match(execFileSync(gyre, ["--version"], { encoding: "utf8" }), /^gyre \d+\.\d+\.\d+/);
writeFileSync(
  join(plain, "game.js"),
  `import { defineGame } from "gyre";
export default defineGame({
  name: "toy",
  archetypes: { toy: { brain: "hunter", wander: 100 } },
  setup(world) {
    for (let i = 0; i < world.settings.npcs; i++) world.spawn("toy", 500, 500);
  },
});
`,
);

/** Serves for a second. Returns what GET /stats said then. */
async function serve(...argv) {
  const server = spawn(gyre, ["serve", "--port", "0", "--json", ...argv], {
    cwd: plain,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(server, "exit");
  const [line] = await once(createInterface({ input: server.stdout }), "line");
  const { http } = JSON.parse(line);
  assert.match(await (await fetch(http)).text(), /<html/);
  assert.deepEqual(await (await fetch(`${http}/healthz`)).json(), { status: "ok" });
  let stats = { tick: 0 };
  while (stats.tick < 60) stats = await (await fetch(`${http}/stats`)).json();
  server.kill("SIGTERM");
  assert.deepEqual((await ended)[0], 0);
  return stats;
}

assert.ok((await serve()).entities > 1900, "the demo has its crowd");
assert.equal(
  (await serve("game.js", "--npcs", "7", "--record", "toy.recording")).entities,
  7,
  "a game has what it spawned",
);
const verified = execFileSync(gyre, ["replay", "toy.recording", "--verify"], { cwd: plain, encoding: "utf8" });
assert.match(verified, /checkpoints agree/);
execFileSync(gyre, ["bench", "--quick", "--filter", "^distance-squared/1024"], { cwd: plain, stdio: "inherit" });
console.log("the kernel runs alone in Node and in a page, and a plain install serves, replays and benches");
