/**
 * The page in a real browser, served by the real command: it draws without a complaint, the crowd moves, the visitor walks in,
 * looks around, is told when the server is gone, and sees the next one's world as it is. Leaves a picture in build/viewer.png.
 */
// slow
// waits
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect as dial, createServer as listen, type Socket } from "node:net";
import type { Readable } from "node:stream";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { watch } from "../src/client.js";
import { PATIENCE_MS, until } from "./support/until.js";

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
    player:
      | (PageConnection & {
          own: { x: number; y: number; xp: number; level: number } | null;
          predicted: { x: number; y: number } | null;
        })
      | null;
  };
  bars: { count: number };
  overlay: { isOn: boolean; cells: number; members: number };
  ownPlace: { isPredicted: boolean };
}

interface PageConnection {
  you: number;
  zone: { name: string };
  tick: number;
  isConnected: boolean;
  stats: { snapshots: number; hashChecks: number; repairs: number; resumes: number };
  entities: Map<number, { id: number; x: number; y: number; hp: number; kind: number }>;
  cells: Iterable<{ x0: number; y0: number; x1: number; y1: number; stream: string; tick: number; members: number }>;
  on(event: "snapshot", listener: (tick: number) => void): () => void;
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

/** Drawn by the processor, which has other things to do: a fourth of the pixels, some 20 times a second. */
async function newPage(options: BrowserContextOptions): Promise<Page> {
  const made = await browser.newPage({ deviceScaleFactor: 0.5, ...options });
  await made.addInitScript(() => {
    const soon = requestAnimationFrame;
    globalThis.requestAnimationFrame = (callback) => setTimeout(() => soon(callback), 33) as unknown as number;
  });
  made.setDefaultTimeout(PATIENCE_MS);
  return made;
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
    page = await newPage({ viewport: { width: 800, height: 500 } });
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
    await page.waitForFunction(() => "viewer" in globalThis && viewer.link.connection?.tracks.count === 502);
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
      // The middle: no panel there.
      const { data } = context.getImageData(image.width / 4, 0, image.width / 2, image.height);
      return new Set(new Uint32Array(data.buffer)).size;
    }, picture.toString("base64"));
    assert.ok(colors >= 100, `${colors} colours`);
  });

  test("drag pans, wheel zooms about the pointer, click follows, Esc lets go", async () => {
    await page.evaluate(() => viewer.camera.look(2048, 2048, 0.5));
    await page.mouse.move(500, 250);
    await page.mouse.down();
    await page.mouse.move(400, 200, { steps: 4 });
    await page.mouse.up();
    assert.is(await ask(() => viewer.camera.x), 2048 + 200);
    assert.is(await ask(() => viewer.camera.y), 2048 + 100);
    const under = (): Promise<number> => ask(() => viewer.camera.x + (400 - innerWidth / 2) / viewer.camera.zoom);
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

  test("the network panel has numbers of the watching connection, and of the player's while there is one", async () => {
    const text = (id: string) => page.locator(`#${id}`).textContent();
    const shows = (id: string, form: RegExp) =>
      until(`#${id} shows ${form}`, async () => form.test((await text(id)) ?? ""));
    await shows("watch-rate", /^[1-9]\d*$/);
    for (const gap of ["watch-gap-p50", "watch-gap-p95", "watch-gap-p99"]) await shows(gap, /^\d+\.\d ms$/);
    await shows("watch-rtt", /^\d+\.\d ms$/);
    await shows("watch-delay", /^\d+\.\d ms$/);
    await shows("watch-checks", /^[1-9]/);
    await shows("watch-normal", /^[\d.]+ [kM]B$/);
    assert.equal(await Promise.all(["watch-corrections", "watch-repairs", "watch-near", "watch-far"].map(text)), [
      "-",
      "0",
      "0.0 kB",
      "0.0 kB",
    ]);
    // That of the test before has left.
    await page.locator("#play-rate").waitFor({ state: "hidden" });
    await page.keyboard.press("KeyD");
    await page.waitForFunction(() => viewer.link.player?.predicted && viewer.ownPlace.isPredicted);
    await shows("play-rate", /^[1-9]\d*$/);
    await shows("play-corrections", /^\d+$/);
    await shows("play-private", /^0\.[1-9] kB$|^[1-9]/);
    assert.ok(await page.locator("#play-rate").isVisible());
    await page.keyboard.press("Escape");
    await page.locator("#play-rate").waitFor({ state: "hidden" });
    assert.is(await text("play-rate"), "-");
  });

  test("O shows the cells that the connection knows, with all entities in them, and hides them again", async () => {
    assert.ok(await page.locator("#cells").isHidden());
    await page.evaluate(() => viewer.camera.look(2048, 2048, 0.2));
    await page.keyboard.press("KeyO");
    await page.waitForFunction(() => viewer.overlay.members === 502 && viewer.overlay.cells > 1);
    assert.ok(await page.locator("#cells").isVisible());
    assert.ok(await page.locator("#show-cells").isChecked());
    const odd = await page.evaluate(() => {
      const { cells, tick, tracks, entities } = viewer.link.connection!;
      const odd: string[] = [];
      let members = 0;
      for (const cell of cells) {
        const { x0, y0, x1, y1 } = cell;
        members += cell.members;
        if (cell.stream !== "normal" || cell.tick > tick || !(x0 < x1 && y0 < y1)) odd.push(JSON.stringify(cell));
        let inside = 0;
        for (const { x, y } of entities.values()) if (x >= x0 && x < x1 && y >= y0 && y < y1) inside++;
        if (inside !== cell.members) odd.push(`${inside} are in ${JSON.stringify(cell)}`);
      }
      if (members !== tracks.count) odd.push(`${members} members, ${tracks.count} entities`);
      return odd;
    });
    assert.equal(odd, []);
    const painted = () =>
      page.evaluate(() => {
        const { width, height } = document.querySelector<HTMLCanvasElement>("#cells")!;
        const { data } = document
          .querySelector<HTMLCanvasElement>("#cells")!
          .getContext("2d")!
          .getImageData(0, 0, width, height);
        return data.some((byte) => byte !== 0);
      });
    assert.ok(await painted());
    await page.locator("#show-cells").click();
    assert.ok(await page.locator("#cells").isHidden());
    assert.is(await ask(() => viewer.overlay.cells), 0);
  });

  test("over 100 ms each way the player moves before the server hears of it, and is where the server has it in the end", async () => {
    const slow = await slowRoad(Number(new URL(origin).port), 100);
    const far = await newPage({ viewport: { width: 640, height: 480 } });
    far.on("pageerror", (error) => complaints.push(error.message));
    try {
      await far.goto(`http://127.0.0.1:${slow.port}/`);
      await far.waitForFunction(() => "viewer" in globalThis && viewer.link.connection);
      await far.keyboard.press("KeyD");
      await far.waitForFunction(() => viewer.link.player?.own && viewer.link.player.predicted);
      // Somewhere there is room: try all four directions.
      const keys = ["KeyD", "KeyS", "KeyA", "KeyW"];
      let turn = 0;
      await until("the player was seen to walk first", async () => {
        const still = () =>
          far.waitForFunction(() => {
            const { own, predicted } = viewer.link.player!;
            return own && predicted && Math.hypot(own.x - predicted.x, own.y - predicted.y) < 0.01;
          });
        await still();
        const key = keys[turn++ % 4]!;
        const watched = far.evaluate(() => {
          const player = viewer.link.player!;
          const [own, at] = [{ ...player.own! }, { ...player.predicted! }];
          // A second of them, where no way leads there.
          const { snapshots } = player.stats;
          return new Promise<string>((resolve) => {
            const timer = setInterval(() => {
              const now = player.predicted;
              // Who died and lives elsewhere is asked again.
              const way = player.own === null ? 999 : Math.hypot(player.own.x - own.x, player.own.y - own.y);
              const isAnswered = way > 0 && way < 64;
              const isMoved = now !== null && Math.hypot(now.x - at.x, now.y - at.y) > 2;
              if (!isMoved && !isAnswered && player.stats.snapshots < snapshots + 20) return;
              clearInterval(timer);
              // Where the page had no core for a while, one look may see both, which says nothing of what was first.
              resolve(isAnswered && isMoved ? "both" : isAnswered ? "answered" : isMoved ? "predicted" : "blocked");
            }, 1);
          });
        });
        await far.keyboard.down(key);
        const what = await watched;
        await far.keyboard.up(key);
        assert.is.not(what, "answered");
        if (what === "predicted" || what === "both") await still();
        return what === "predicted";
      });
    } finally {
      await far.close();
      await slow.close();
    }
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

  test("a server that comes back with another seed and 300 entities more: the page has exactly its entities, and its hashes agree", async () => {
    const port = Number(new URL(origin).port);
    await page.keyboard.press("KeyD");
    await page.waitForFunction(() => viewer.link.player?.predicted);
    const before = await page.evaluate(() => ({ ...viewer.link.connection!.stats }));
    await stop(server);
    await page.waitForFunction(() => viewer.link.connection?.isConnected === false);
    server = await serve(port, ["--npcs", "800", "--bots", "2", "--seed", "77"]);
    await page.waitForFunction((resumes) => viewer.link.connection!.stats.resumes > resumes, before.resumes);
    // The visitor plays on, as somebody else, and walks by prediction.
    await page.waitForFunction(() => (viewer.link.player?.stats.resumes ?? 0) > 0 && viewer.link.player?.predicted);
    assert.is(await ask(() => viewer.link.player!.stats.repairs), 0);
    await page.keyboard.press("Escape");
    // All of the map, so that all entities are in view.
    await page.evaluate(() => viewer.camera.look(2048, 2048, 0.1));
    await page.waitForFunction(() => viewer.link.connection?.tracks.count === 802);
    await page.waitForFunction((checks) => viewer.link.connection!.stats.hashChecks > checks + 20, before.hashChecks);
    assert.is(await ask(() => viewer.link.connection!.stats.repairs), before.repairs);
    assert.equal(await differences(page), []);
  });
}

/** What the page and a client beside it, which starts from nothing, know otherwise of one tick; nothing else has anything to say about it. */
async function differences(page: Page): Promise<string[]> {
  const all = { x0: 0, y0: 0, x1: 4096, y1: 4096 };
  const beside = await watch(`${origin.replace("http", "ws")}/ws`, { view: all });
  const seen = new Map<number, string[]>();
  const texts = (entities: Iterable<{ id: number; x: number; y: number; hp: number; kind: number }>): string[] =>
    Array.from(entities, ({ id, x, y, hp, kind }) => `${id}: ${x}, ${y}, ${hp}, ${kind}`).sort();
  try {
    beside.on("snapshot", (tick) => seen.set(tick, texts(beside.entities.values())));
    await until("all is in view", () => beside.entities.size >= 802);
    let shown = { tick: 0, texts: [] as string[] };
    await until("both have the same tick", async () => {
      shown = await page.evaluate(
        () =>
          new Promise((resolve) => {
            const connection = viewer.link.connection!;
            const off = connection.on("snapshot", (tick) => {
              off();
              const texts = Array.from(
                connection.entities.values(),
                ({ id, x, y, hp, kind }) => `${id}: ${x}, ${y}, ${hp}, ${kind}`,
              );
              resolve({ tick, texts: texts.sort() });
            });
          }),
      );
      return seen.has(shown.tick);
    });
    const expected = seen.get(shown.tick)!;
    return [
      ...expected.filter((text) => !shown.texts.includes(text)).map((text) => `missing ${text}`),
      ...shown.texts.filter((text) => !expected.includes(text)).map((text) => `too many ${text}`),
    ];
  } finally {
    beside.close();
  }
}

/** A port from which it takes so many milliseconds to that one, and back. */
async function slowRoad(to: number, ms: number): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = listen((near) => {
    const far = dial(to, "127.0.0.1");
    for (const [from, into] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true);
      // Timers of equal times fire in the order in which they were set.
      from.on("data", (bytes) => setTimeout(() => into.write(bytes), ms));
      from.on("error", () => into.destroy());
      from.on("close", () => setTimeout(() => into.end(), ms));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as { port: number }).port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** The page on a stage of its own: see the game. */
async function withStage(play: (page: Page) => Promise<void>): Promise<void> {
  const stage = await serve(0, ["test/fixtures/stage.mjs", "--zones", "2"]);
  const page = await newPage({ viewport: { width: 800, height: 600 } });
  page.on("console", (message) => message.type() === "error" && boos.push(message.text()));
  page.on("pageerror", (error) => boos.push(error.message));
  try {
    await page.goto(`${origin}/`);
    await page.waitForFunction(() => "viewer" in globalThis && viewer.link.connection?.tracks.count === 1);
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
