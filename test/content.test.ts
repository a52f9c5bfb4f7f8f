/** The content module through as-bind: what crosses the border arrives whole, and clearance is what brute force says. */
import { readFileSync } from "node:fs";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GyreError } from "../src/errors.js";
import { clearance, fits, spawnTiles } from "../src/maps/clearance.js";
import { openContent } from "../src/maps/content.js";
import { asGyreError, obey } from "../src/maps/refuse.js";

/** mulberry32. */
function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Half the side of the free square around a tile, in tiles rounded up: the definition, word for word. */
function roomAround(tiles: Uint8Array, width: number, height: number, column: number, row: number): number {
  for (let reach = 0; ; reach++) {
    for (let y = row - reach; y <= row + reach; y++) {
      for (let x = column - reach; x <= column + reach; x++) {
        if (x < 0 || y < 0 || x >= width || y >= height || tiles[y * width + x] !== 0) return reach;
      }
    }
  }
}

async function refusal(promise: Promise<unknown>): Promise<GyreError> {
  try {
    await promise;
  } catch (error) {
    assert.instance(error, GyreError);
    return error as GyreError;
  }
  return assert.unreachable("was not refused") as never;
}

test("the module says what it exports in the section that as-bind reads, and imports nothing but abort", () => {
  const module = new WebAssembly.Module(readFileSync("build/wasm/content.wasm"));
  const [section, ...more] = WebAssembly.Module.customSections(module, "as-bind_bindings");
  assert.is(more.length, 0);
  const { typeIds, exportedFunctions } = JSON.parse(new TextDecoder().decode(section));
  assert.equal(exportedFunctions.readCsv, {
    returnType: "~lib/string/String",
    parameters: ["~lib/string/String", "i32", "i32", "u32"],
  });
  assert.is(typeIds["~lib/typedarray/Uint8Array"].byteSize, 12);
  const imports = WebAssembly.Module.imports(module).map(({ module: from, name }) => `${from}.${name}`);
  assert.equal(imports, ["env.abort"]);
});

test("strings cross in both directions unit by unit, a lone surrogate becoming U+FFFD on the way back", async () => {
  const content = openContent();
  assert.match(content.readMovingAi("zażółć 🗺"), '"zażółć 🗺"');
  assert.match(content.readMovingAi("a\ud800b"), '"a\ufffdb"');
  assert.match(content.readMovingAi(""), "MAP_BAD line 1: the text ends");
});

test("cells and tiles cross as copies: 70,000 of them in, baked, out", async () => {
  const content = openContent();
  const cells = Uint32Array.from({ length: 70_000 }, (_, i) => (i % 3) + 0x80000000);
  assert.is(content.readCells(cells, 700, 100, 2), "");
  const tiles = content.tiles();
  assert.equal(
    tiles,
    Uint8Array.from({ length: 70_000 }, (_, i) => (i % 3 === 2 ? 1 : 0)),
  );
  assert.is(content.readCells(cells.fill(0), 700, 100, 0), "");
  assert.is(tiles[2], 1, "the first result stays as it was");
  assert.is(content.tiles()[2], 0);
  assert.is(content.readCells(cells, 700, 101, 0), "MAP_BAD the data has 70000 tiles, not 700 x 101");
});

test("a map may have 2^24 tiles and sides of 16,384, and not one more", async () => {
  const content = openContent();
  assert.is(content.sizeVerdict(16_384, 1_024), "");
  assert.is(content.sizeVerdict(1, 16_384), "");
  assert.match(content.sizeVerdict(16_385, 1), /^MAP_TOO_LARGE 16385 x 1 tiles/);
  assert.match(content.sizeVerdict(4_097, 4_096), /^MAP_TOO_LARGE 4097 x 4096 tiles/);
  assert.match(content.sizeVerdict(Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER), /^MAP_TOO_LARGE/);
});

test("a trap of the module is MAP_BAD to its caller, a verdict is its own code", async () => {
  const content = openContent();
  let thrown: unknown;
  try {
    content.readCsv("", -1, 1, 0); // What the host never lets through.
  } catch (error) {
    thrown = error;
  }
  assert.ok(thrown instanceof Error);
  assert.is(asGyreError(thrown, "x.map").code, "MAP_BAD");
  assert.match(asGyreError(thrown, "x.map").message, /^x\.map: /);
  assert.throws(
    () => obey("MAP_TOO_LARGE 3 x 4"),
    (error: GyreError) => error.code === "MAP_TOO_LARGE" && error.message === "3 x 4",
  );
  assert.not.throws(() => obey(""));
});

test("clearance is the largest free square around each tile, on 200 random maps of up to 40 x 40 tiles", async () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = generator(seed);
    const width = 1 + Math.floor(random() * 40);
    const height = 1 + Math.floor(random() * 40);
    const density = random() * random() * 0.5;
    const tiles = Uint8Array.from({ length: width * height }, () =>
      random() < density ? 1 + Math.floor(random() * 2) : 0,
    );
    const expected = tiles.map((_, i) => roomAround(tiles, width, height, i % width, Math.floor(i / width)));
    assert.equal(
      await clearance({ width, height, tileSize: 32, tiles }),
      expected,
      `seed ${seed}, ${width} x ${height}`,
    );
  }
});

test("clearance stops at 255 in the middle of 520 x 520 free tiles", async () => {
  const side = 520;
  const room = await clearance({ width: side, height: side, tileSize: 32, tiles: new Uint8Array(side * side) });
  assert.is(room[0], 1);
  assert.is(room[253 * side + 260], 254);
  assert.is(room[254 * side + 260], 255);
  assert.is(room[260 * side + 260], 255);
});

test("a box of half a tile stands on any free tile, a hair more needs clearance 2, 1.5 tiles and a hair need 3", async () => {
  assert.ok(fits(1, 16, 32));
  assert.not.ok(fits(1, 16.001, 32));
  assert.ok(fits(2, 48, 32));
  assert.not.ok(fits(2, 48.001, 32));
  assert.not.ok(fits(0, 0, 32));
  // 5 x 5 free tiles in a wall of water.
  const tiles = Uint8Array.from({ length: 49 }, (_, i) => (i % 7 > 0 && i % 7 < 6 && i > 6 && i < 42 ? 0 : 2));
  const map = { width: 7, height: 7, tileSize: 32, tiles };
  assert.is((await spawnTiles(map, 16)).length, 25);
  assert.is((await spawnTiles(map, 17)).length, 9);
  assert.equal([...(await spawnTiles(map, 80))], [24]);
  assert.equal([...(await spawnTiles(map, 81))], []);
});

test("clearance refuses what is not a map, and half sizes that are none", async () => {
  const good = { width: 2, height: 3, tileSize: 32, tiles: new Uint8Array(6) };
  assert.is((await clearance(good)).length, 6);
  for (const width of [0, -2, 1.5, Number.NaN, 3]) {
    assert.is((await refusal(clearance({ ...good, width }))).code, "BAD_ARGUMENT", `width ${width}`);
  }
  assert.is((await refusal(clearance({ ...good, tiles: [0] as never }))).code, "BAD_ARGUMENT");
  const long = { ...good, width: 20_000, height: 1, tiles: new Uint8Array(20_000) };
  assert.is((await refusal(clearance(long))).code, "MAP_TOO_LARGE");
  assert.is((await spawnTiles(good, 0)).length, 6);
  assert.is((await refusal(spawnTiles(good, -1))).code, "BAD_ARGUMENT");
  assert.is((await refusal(spawnTiles(good, Number.NaN))).code, "BAD_ARGUMENT");
});

test.run();
