/**
 * The page in a real browser, served by the real command: it draws without a complaint, the crowd moves, the visitor walks in,
 * looks around, and is told when the server is gone. Leaves a picture in build/viewer.png.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import type { Readable } from "node:stream";
import { type Browser, chromium, type Page } from "playwright-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { until } from "./support/until.js";

const BROWSER = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const BROWSER_FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--use-gl=angle",
  "--use-angle=swiftshader",
  "--enable-unsafe-swiftshader",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
const PICTURE = "build/viewer.png";

/** What the page offers to the console, as far as it is looked at here. */
interface PageViewer {
  camera: { x: number; y: number; zoom: number; look(x: number, y: number, zoom: number): void };
  link: {
    connection: PageConnection | null;
    player: (PageConnection & { own: { x: number; y: number; xp: number; level: number } | null }) | null;
  };
  bars: { count: number };
}

interface PageConnection {
  you: number;
  zone: { name: string };
  stats: { snapshots: number };
  tracks: { count: number; ids: Uint32Array; x: Float32Array; y: Float32Array; states: Uint8Array };
}

declare const viewer: PageViewer;

type Serve = ChildProcessByStdio<null, Readable, null>;

const complaints: string[] = [];
const strangers: string[] = [];
/** Complaints of the pages on the stage. */
const boos: string[] = [];
let server: Serve;
let origin = "";
let browser: Browser;
let page: Page;

const CROWD = ["--npcs", "500", "--bots", "2"];

async function serve(port: number, flags = CROWD): Promise<Serve> {
  const args = ["build/js/cli.js", "serve", "--port", `${port}`, "--json", ...flags];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(child.stdout, "data");
  origin = JSON.parse(String(line).split("\n")[0] ?? "").http;
  return child;
}

async function stop(child: Serve): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}

/** A number that the page works out. */
const ask = (f: () => number): Promise<number> => page.evaluate(f);
const sessions = async (): Promise<number> => (await (await fetch(`${origin}/stats`)).json()).sessions;

if (!existsSync(BROWSER)) {
  test(`skipped: there is no browser at ${BROWSER}; the environment variable CHROMIUM may name one`, () => {});
} else {
  test.before(async () => {
    server = await serve(0);
    browser = await chromium.launch({ executablePath: BROWSER, args: BROWSER_FLAGS });
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => {
      if (!request.url().startsWith(origin) && !request.url().startsWith("data:")) strangers.push(request.url());
    });
    await page.goto(`${origin}/`);
  });

  test.after(async () => {
    await browser.close();
    await stop(server);
  });

  test("the page shows all 502 entities and the server's tick", async () => {
    await page.waitForFunction(() => viewer.link.connection?.tracks.count === 502);
    await page.waitForFunction(() => /^\d/.test(document.getElementById("p99")?.textContent ?? ""));
    await page.waitForFunction(() => document.getElementById("entities")?.textContent === "502 of 502");
    assert.ok(await page.locator("#notice").isHidden());
    const legend = (await page.locator("#legend li").allTextContents()).map((text) => text.split(" "));
    assert.ok(
      legend.some(([kind, count]) => kind === "player" && count === "2"),
      legend.join("; "),
    );
    assert.is(
      legend.reduce((sum, [, count]) => sum + Number(count), 0),
      502,
    );
  });

  test("the panel tells what the zone costs on which thread, and has a row for each thread", async () => {
    await page.waitForFunction(() =>
      /^\d+\.\d\d ms, sim-0$/.test(document.getElementById("zone-cost")?.textContent ?? ""),
    );
    await page.waitForFunction(() => /^\d+ waiting$/.test(document.getElementById("zone-commands")?.textContent ?? ""));
    const cells = async (): Promise<string[][]> => {
      const rows = await page.locator("#workers tbody tr").all();
      return Promise.all(rows.map((row) => row.locator("td").allTextContents()));
    };
    await until("a second is over", async () => /^[1-9]\d*%$/.test((await cells())[1]?.[1] ?? ""));
    const [main = [], sim = [], ...others] = await cells();
    assert.equal([main[0], main[5], sim[0], sim[5], others], ["main", "0", "sim-0", "0", []]);
    for (const ms of sim.slice(2, 4)) assert.match(ms, /^\d[\d.]{2,3}$/);
  });

  test("entities move on the screen between snapshots too", async () => {
    await page.waitForFunction(() => {
      const state = globalThis as unknown as { seen?: Map<string, Set<number>> };
      state.seen ??= new Map();
      const { tracks, stats } = viewer.link.connection!;
      // Positions of one entity, by the snapshot during which they were shown.
      for (let i = 0; i < 20; i++) {
        const key = `${tracks.ids[i]} ${stats.snapshots}`;
        const shown = state.seen.get(key) ?? new Set();
        state.seen.set(key, shown.add(tracks.x[i]!));
        if (shown.size >= 2) return true;
      }
      return false;
    });
  });

  test("the picture has a map and a crowd: at least 100 colours", async () => {
    const picture = await page.screenshot({ path: PICTURE });
    const colors = await page.evaluate(async (base64) => {
      const image = new Image();
      image.src = `data:image/png;base64,${base64}`;
      await image.decode();
      const context = new OffscreenCanvas(image.width, image.height).getContext("2d")!;
      context.drawImage(image, 0, 0);
      // The right half: no panel there.
      const { data } = context.getImageData(image.width / 2, 0, image.width / 2, image.height);
      return new Set(new Uint32Array(data.buffer)).size;
    }, picture.toString("base64"));
    assert.ok(colors >= 100, `${colors} colours`);
  });

  test("drag pans, wheel zooms about the pointer, click follows, Esc lets go", async () => {
    await page.evaluate(() => viewer.camera.look(2048, 2048, 0.5));
    await page.mouse.move(800, 400);
    await page.mouse.down();
    await page.mouse.move(700, 350, { steps: 4 });
    await page.mouse.up();
    assert.is(await ask(() => viewer.camera.x), 2048 + 200);
    assert.is(await ask(() => viewer.camera.y), 2048 + 100);
    const under = (): Promise<number> => ask(() => viewer.camera.x + (700 - innerWidth / 2) / viewer.camera.zoom);
    const before = await under();
    await page.mouse.wheel(0, -1000);
    await page.waitForFunction(() => viewer.camera.zoom > 2);
    assert.ok(Math.abs((await under()) - before) < 1);
    // Whatever is nearest: the camera goes there and stays with it.
    await page.keyboard.press("KeyF");
    await page.waitForFunction(() => {
      const { tracks } = viewer.link.connection!;
      for (let i = 0; i < tracks.count; i++) {
        if (Math.hypot(tracks.x[i]! - viewer.camera.x, tracks.y[i]! - viewer.camera.y) < 4) return true;
      }
      return false;
    });
    await page.keyboard.press("Escape");
  });

  test("W, A, S or D joins as a player who walks; Esc leaves", async () => {
    assert.is(await sessions(), 1);
    await page.keyboard.down("KeyD");
    await page.waitForFunction(() => viewer.link.player?.own);
    assert.is(await sessions(), 2);
    const start = await page.evaluate(() => ({ ...viewer.link.player!.own! }));
    // Somewhere there is room: try all four directions.
    const moved = () =>
      page.evaluate(({ x, y }) => {
        const own = viewer.link.player!.own!;
        return Math.hypot(own.x - x, own.y - y);
      }, start);
    const keys = ["KeyD", "KeyS", "KeyA", "KeyW"];
    let turn = 0;
    await until("the player moved 10 units", async () => {
      await page.keyboard.up(keys[turn++ % 4]!);
      await page.keyboard.down(keys[turn % 4]!);
      const before = await ask(() => viewer.link.player!.stats.snapshots);
      await page.waitForFunction((count) => viewer.link.player!.stats.snapshots > count + 6, before);
      return (await moved()) > 10;
    });
    await page.keyboard.up(keys[turn % 4]!);
    await page.waitForFunction(() => viewer.link.connection?.tracks.ids.includes(viewer.link.player?.you ?? 0));
    await page.keyboard.press("Escape");
    await until("the player left", async () => (await sessions()) === 1);
    assert.is(await ask(() => (viewer.link.player === null ? 1 : 0)), 1);
  });

  test("the canvas follows the window's size and its pixels", async () => {
    await page.setViewportSize({ width: 900, height: 500 });
    await page.waitForFunction(() => {
      const canvas = document.querySelector("canvas")!;
      return canvas.width === 900 * devicePixelRatio && canvas.height === 500 * devicePixelRatio;
    });
  });

  test("nothing was complained about, and nothing asked of anybody else", () => {
    assert.equal(complaints, []);
    assert.equal(strangers, []);
  });

  test("a lost server is said, and found again", async () => {
    const port = Number(new URL(origin).port);
    await stop(server);
    await page.waitForFunction(() => /No connection/.test(document.getElementById("notice")?.textContent ?? ""));
    assert.ok(await page.locator("#notice").isVisible());
    server = await serve(port);
    await page.waitForFunction(() => (viewer.link.connection?.tracks.count ?? 0) > 0);
    await page.waitForFunction(() => document.getElementById("notice")?.hidden);
  });
}

/** The page on a stage of its own: see the game. */
async function withStage(play: (page: Page) => Promise<void>): Promise<void> {
  const stage = await serve(0, ["test/fixtures/stage.mjs", "--zones", "2"]);
  const page = await browser.newPage({ viewport: { width: 800, height: 600 } });
  page.on("console", (message) => message.type() === "error" && boos.push(message.text()));
  page.on("pageerror", (error) => boos.push(error.message));
  try {
    await page.goto(`${origin}/`);
    await page.waitForFunction(() => viewer.link.connection?.tracks.count === 1);
    await play(page);
  } finally {
    await page.close();
    await stop(stage);
  }
}

if (existsSync(BROWSER)) {
  test("the hurt have bars where they can be told apart, and none far away", () =>
    withStage(async (page) => {
      await page.evaluate(() => viewer.camera.look(300, 300, 2));
      await page.waitForFunction(() => viewer.bars.count === 1);
      // Above the dummy at (300, 325), which is 50 pixels below the screen's middle; 40 of 60 hp.
      const colors = await shownColors(page, 400 - 16, 300 + 50 - 2 * 14 - 3, 32, 6);
      assert.ok(
        colors.some(({ r, g, b }) => g > 150 && g > r + 20 && g > b),
        "some of it is green",
      );
      assert.ok(
        colors.some(({ r, g, b }) => r + g + b < 100),
        "some of it is empty",
      );
      await page.evaluate(() => viewer.camera.look(300, 300, 0.1));
      await page.waitForFunction(() => viewer.bars.count === 0);
    }));

  test("space strikes: the dummy dies, fades and is news, its killer gains xp, gold and a level", () =>
    withStage(async (page) => {
      assert.ok(await page.locator("#you").isHidden());
      await page.keyboard.press("KeyA");
      await page.waitForFunction(() => viewer.link.player?.own);
      await until("the dummy died", async () => {
        await page.keyboard.press("Space");
        return page.evaluate(() => viewer.link.connection!.tracks.states.slice(0, 2).includes(4));
      });
      await page.waitForFunction(() => document.getElementById("level")?.textContent === "2");
      assert.equal(await Promise.all(["hp", "xp", "gold"].map((id) => page.locator(`#${id}`).textContent())), [
        "120 of 120",
        "15",
        "3",
      ]);
      assert.equal((await page.locator("#events li").allTextContents()).sort(), [
        "a player killed the dummy",
        "level 2",
      ]);
      await page.waitForFunction(() => viewer.bars.count === 0);
      await page.keyboard.press("Escape");
      await page.waitForFunction(() => document.getElementById("you")?.hidden);
    }));

  test("a click strikes too while one plays; through the gate the page goes along, map and camera included", () =>
    withStage(async (page) => {
      await page.keyboard.down("KeyD");
      await page.waitForFunction(() => viewer.link.player?.own);
      await page.mouse.click(400, 300);
      await page.waitForFunction(() => viewer.link.player?.zone.name === "zone-1" && viewer.link.player.own);
      await page.keyboard.up("KeyD");
      await page.waitForFunction(() => viewer.link.connection?.zone.name === "zone-1");
      await page.waitForFunction(() => document.getElementById("zone")?.textContent === "zone-1, 64 x 64");
      await page.waitForFunction(() => {
        const own = viewer.link.player?.own;
        return own && Math.hypot(viewer.camera.x - own.x, viewer.camera.y - own.y) < 50 && own.x > 1400;
      });
      await page.waitForFunction(() => {
        const { connection, player } = viewer.link;
        const { ids, count } = connection!.tracks;
        return player !== null && ids.subarray(0, count).includes(player.you);
      });
      await page.keyboard.press("Escape");
    }));

  test("nothing was complained about on the stage either", () => assert.equal(boos, []));
}

/** Each pixel of a rectangle of the screen. */
async function shownColors(page: Page, x: number, y: number, width: number, height: number) {
  const picture = await page.screenshot({ clip: { x, y, width, height } });
  return page.evaluate(async (base64) => {
    const image = new Image();
    image.src = `data:image/png;base64,${base64}`;
    await image.decode();
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d")!;
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, image.width, image.height);
    return Array.from({ length: data.length / 4 }, (_, i) => {
      return { r: data[4 * i]!, g: data[4 * i + 1]!, b: data[4 * i + 2]! };
    });
  }, picture.toString("base64"));
}

test.run();
