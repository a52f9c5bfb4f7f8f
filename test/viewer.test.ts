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
    player: (PageConnection & { own: { x: number; y: number } | null }) | null;
  };
}

interface PageConnection {
  you: number;
  stats: { snapshots: number };
  tracks: { count: number; ids: Uint32Array; x: Float32Array; y: Float32Array };
}

declare const viewer: PageViewer;

type Serve = ChildProcessByStdio<null, Readable, null>;

const complaints: string[] = [];
const strangers: string[] = [];
let server: Serve;
let origin = "";
let browser: Browser;
let page: Page;

async function serve(port: number): Promise<Serve> {
  const args = ["build/js/cli.js", "serve", "--port", `${port}`, "--npcs", "500", "--bots", "2", "--json"];
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
    assert.is(await page.locator("#legend").textContent(), "NPCs 500bots 2");
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

test.run();
