/** Map files: every format to the documented tiles, every kind of damage to one clear error, and nothing else ever thrown. */
import { existsSync, readFileSync } from "node:fs";
import { deflateSync, gzipSync } from "node:zlib";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { type ErrorCode, GyreError } from "../src/errors.js";
import { loadMap } from "../src/maps/load.js";

const FIXTURES = "test/fixtures/maps";
const DATA = "../shared/data";

const yardMap = readFileSync(`${FIXTURES}/yard.map`, "utf8");
const yardTmj = readFileSync(`${FIXTURES}/yard.tmj`, "utf8");
const yardTmx = readFileSync(`${FIXTURES}/yard.tmx`, "utf8");

/** The yard of the Tiled fixtures as picture; of the .map fixture `WW` is water. */
const YARD = ["111111", "100001", "101101", "100001", "111111"].join("");
const GIDS = [...YARD].map((tile) => (tile === "1" ? 6 : 0));
const gidBytes = Buffer.from(Uint32Array.from(GIDS).buffer);
const tagged = (attributes: string, data: string) => {
  const start = yardTmx.lastIndexOf("<data");
  const end = yardTmx.lastIndexOf("</data>");
  return `${yardTmx.slice(0, start)}<data ${attributes}>${data}${yardTmx.slice(end)}`;
};
const withLayer = (layer: object) => {
  const map = JSON.parse(yardTmj);
  map.layers[1] = { type: "tilelayer", name: "Collision", width: 6, height: 5, ...layer };
  return JSON.stringify(map);
};

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

async function tilesOf(text: string, name?: string): Promise<string> {
  const map = await loadMap(text, name);
  assert.is(map.tiles.length, map.width * map.height);
  return map.tiles.join("");
}

async function refused(text: string, code: ErrorCode, message: RegExp, name?: string): Promise<void> {
  let thrown: unknown;
  try {
    await loadMap(text, name);
  } catch (error) {
    thrown = error;
  }
  assert.instance(thrown, GyreError, `not refused: ${String(text).slice(0, 200)}`);
  const { code: actual, message: said } = thrown as GyreError;
  assert.is(actual, code, said);
  assert.match(said, message);
}

/** The same file, with one place changed; the change must hit. */
function changed(text: string, from: string | RegExp, to: string): string {
  const result = text.replace(from, to);
  assert.is.not(result, text, `${from} is not in the fixture`);
  return result;
}

// --- MovingAI

test("a .map gives ground 0 for . G S, blocked 1 for @ O T, water 2 for W, tiles of 32 units", async () => {
  const map = await loadMap(yardMap, "yard.map");
  assert.equal(
    { ...map, tiles: [...map.tiles].join("") },
    {
      width: 6,
      height: 5,
      tileSize: 32,
      tiles: "111111" + "100001" + "102201" + "100001" + "111111",
    },
  );
});

test("a .map may have Windows line ends, a byte order mark, no last line end, headers in any order", async () => {
  const expected = await tilesOf(yardMap);
  assert.is(await tilesOf(yardMap.replaceAll("\n", "\r\n")), expected);
  assert.is(await tilesOf(`\ufeff${yardMap}`), expected);
  assert.is(await tilesOf(yardMap.trimEnd()), expected);
  assert.is(await tilesOf(`${yardMap}\n\r\n  `), expected);
  assert.is(
    await tilesOf(changed(yardMap, "type octile\nheight 5\nwidth 6", "width  6 \nheight\t5\ntype octile")),
    expected,
  );
});

test("maps that are loaded at the same time do not meet", async () => {
  const [first, second, third] = await Promise.all([tilesOf(yardMap), tilesOf(yardTmj), tilesOf(yardTmx)]);
  assert.is(first, await tilesOf(yardMap));
  assert.equal([second, third], [YARD, YARD]);
});

const MAP_REFUSALS: [string, string | RegExp, string, ErrorCode, RegExp][] = [
  ["an unknown tile", "T.GS.T", "T.Gx.T", "MAP_BAD", /^yard\.map: line 6, column 4: "x" is not a tile/],
  ["a blank in a row", "T.GS.T", "T. S.T", "MAP_BAD", /line 6, column 3: " "/],
  ["a control character", "T.GS.T", "T.\u0000S.T", "MAP_BAD", /line 6, column 3: "\\u\{0\}"/],
  ["half an emoji", "T.GS.T", "T.\u{1f5fa}.T", "MAP_BAD", /line 6, column 3/],
  ["a short row", "T.GS.T", "T.GS.", "MAP_BAD", /line 6: the row has 5 of 6 tiles/],
  ["an empty row", "T.GS.T", "", "MAP_BAD", /line 6: the row has 0 of 6 tiles/],
  ["a long row", "T.GS.T", "T.GS.TT.", "MAP_BAD", /line 6: the row goes on with "T\."/],
  ["a row too few", "O....@\n", "", "MAP_BAD", /line 9: the text ends after 4 of 5 rows/],
  ["half a last row", /TTT\n$/, "", "MAP_BAD", /line 9: the row has 3 of 6 tiles/],
  ["a row too many", /$/, "\n\n......\n", "MAP_BAD", /line 12: "\.{6}" after the last of 5 rows/],
  ["no rows", /map\n.*/s, "map\n", "MAP_BAD", /line 5: the text ends after 0 of 5 rows/],
  ["no map line", /map\n.*/s, "", "MAP_BAD", /line 4: the text ends inside the header/],
  ["no type", "type octile\n", "", "MAP_BAD", /line 3: "map" before "type octile"/],
  ["no height", "height 5\n", "", "MAP_BAD", /line 3: "map" before "height"/],
  ["no width", "width 6\n", "", "MAP_BAD", /line 3: "map" before "width"/],
  ["two heights", "height 5\n", "height 5\nheight 5\n", "MAP_BAD", /line 3: a second "height"/],
  ["two widths", "width 6\n", "width 6\nwidth 7\n", "MAP_BAD", /line 4: a second "width"/],
  ["two types", "type octile\n", "type octile\ntype octile\n", "MAP_BAD", /line 2: a second "type"/],
  ["another type", "octile", "hex", "MAP_UNSUPPORTED", /line 1: .*octile, not "hex"/],
  ["a width of 0", "width 6", "width 0", "MAP_BAD", /line 3: "width 0" is not/],
  ["a negative width", "width 6", "width -6", "MAP_BAD", /line 3: "width -6"/],
  ["a width of 6.5", "width 6", "width 6.5", "MAP_BAD", /line 3: "width 6\.5"/],
  ["a width without number", "width 6", "width ", "MAP_BAD", /line 3/],
  ["two numbers", "width 6", "width 6 6", "MAP_BAD", /line 3: "width 6 6"/],
  ["an unknown header", "width 6", "wide 6", "MAP_BAD", /line 3: "wide 6" is not a MovingAI header/],
  ["a header glued", "width 6", "width6", "MAP_BAD", /line 3: "width6"/],
  ["an empty header line", "width 6\n", "width 6\n\n", "MAP_BAD", /line 4: ""/],
  ["a width of 16,385", "width 6", "width 16385", "MAP_TOO_LARGE", /16385 x 5 tiles/],
  ["2^24 and a row", /height 5\nwidth 6/, "height 4097\nwidth 4096", "MAP_TOO_LARGE", /4096 x 4097 tiles/],
  ["a height of 60 digits", "height 5", `height ${"9".repeat(60)}`, "MAP_TOO_LARGE", /6 x 9{15} tiles/],
];

for (const [what, from, to, code, message] of MAP_REFUSALS) {
  test(`a .map with ${what} is refused with ${code}`, () =>
    refused(changed(yardMap, from, to), code, message, "yard.map"));
}

test("a .map with the largest sides that fit is read: 16,384 x 1", async () => {
  const text = `type octile\nheight 1\nwidth 16384\nmap\n${".".repeat(16_383)}@`;
  const { width, tiles } = await loadMap(text);
  assert.is(width, 16_384);
  assert.is(tiles[16_383], 1);
  assert.is(tiles[16_382], 0);
});

// --- Tiled

test("the same yard as .tmx and .tmj, every encoding, gives the same tiles of 16 units", async () => {
  const base64 = gidBytes.toString("base64");
  const zlib = deflateSync(gidBytes).toString("base64");
  const gzip = gzipSync(gidBytes).toString("base64");
  const files: [string, string][] = [
    ["csv .tmx", yardTmx],
    ["csv .tmx with Windows line ends", yardTmx.replaceAll("\n", "\r\n")],
    ["csv .tmx in one line", tagged('encoding="csv"', GIDS.join(","))],
    ["csv .tmx in CDATA", tagged('encoding="csv"', `<![CDATA[${GIDS.join(",")}]]>`)],
    ["base64 .tmx", tagged('encoding="base64"', `\n   ${base64}\n  `)],
    ["zlib .tmx", tagged('encoding="base64" compression="zlib"', zlib)],
    ["gzip .tmx", tagged('encoding="base64" compression="gzip"', gzip)],
    ["list .tmj", yardTmj],
    ["csv .tmj", withLayer({ data: GIDS.join(","), encoding: "csv" })],
    ["base64 .tmj", withLayer({ data: base64, encoding: "base64", compression: "" })],
    ["zlib .tmj", withLayer({ data: zlib, encoding: "base64", compression: "zlib" })],
    ["gzip .tmj", withLayer({ data: gzip, encoding: "base64", compression: "gzip" })],
  ];
  for (const [what, text] of files) {
    const { tileSize, width, height, tiles } = await loadMap(text, what);
    assert.equal([width, height, tileSize], [6, 5, 16], what);
    assert.is(tiles.join(""), YARD, what);
  }
});

test("a flipped tile counts as the tile it is", async () => {
  for (const flags of [0x80000000, 0x40000000, 0x20000000, 0x10000000, 0xf0000000]) {
    assert.is(await tilesOf(withLayer({ data: GIDS.map((gid) => (gid === 0 ? 0 : gid + flags)) })), YARD);
  }
  const elsewhere = await tilesOf(withLayer({ data: GIDS.map((gid) => (gid === 0 ? 0 : gid + 0x08000000)) }));
  assert.is(elsewhere, "0".repeat(30), "bit 27 belongs to the id");
});

test("with a collision tileset its second tile blocks, without one any tile does", async () => {
  const first = GIDS.map((gid) => (gid === 6 ? 5 : 0));
  assert.is(await tilesOf(withLayer({ data: first })), "0".repeat(30));
  const other = changed(withLayer({ data: first }), "../sets/Collision.tsx", "../collision/rocks.tsx");
  assert.is(await tilesOf(other), YARD, "a folder's name is not a tileset's");
  const none = changed(withLayer({ data: first }), /"tilesets":\[.*?\],/, "");
  assert.is(await tilesOf(none), YARD);
  const embedded = (count: number) =>
    changed(withLayer({ data: first }), '"source":"../sets/Collision.tsx"', `"name":"collisions","tilecount":${count}`);
  assert.is(await tilesOf(embedded(2)), "0".repeat(30));
  assert.is(await tilesOf(embedded(1)), YARD, "there is no second tile");
});

test("the collision layer is found in any case and in groups", async () => {
  assert.is(await tilesOf(changed(yardTmj, '"Collision"', '"COLLISION"')), YARD);
  const map = JSON.parse(yardTmj);
  map.layers = [{ type: "group", layers: [{ type: "group", layers: map.layers }] }];
  assert.is(await tilesOf(JSON.stringify(map)), YARD);
  await refused(
    changed(yardTmj, '"Collision"', '"Collisions"'),
    "MAP_UNSUPPORTED",
    /none of 2 layers is named "Collision"/,
  );
});

const flipByte = (bytes: Buffer, at: number) => {
  const copy = Buffer.from(bytes);
  copy.writeUInt8((copy.at(at) ?? 0) ^ 1, at < 0 ? copy.length + at : at);
  return copy.toString("base64");
};
const zlibbed = deflateSync(gidBytes);
const gzipped = gzipSync(gidBytes);
const bomb = deflateSync(Buffer.alloc(20_000_000)).toString("base64");
const short = deflateSync(gidBytes.subarray(4)).toString("base64");
const ZLIB = 'encoding="base64" compression="zlib"';
const GZIP = 'encoding="base64" compression="gzip"';

const TILED_REFUSALS: [string, string, ErrorCode, RegExp][] = [
  ["a broken tag", changed(yardTmx, "</layer>", "</later>"), "MAP_BAD", /line 13, column 2/],
  ["half a file", yardTmx.slice(0, yardTmx.length / 2), "MAP_BAD", /line \d+, column \d+/],
  ["another root", "<plan/>", "MAP_BAD", /the root element is "plan", not "map"/],
  ["an empty root", "<map/>", "MAP_BAD", /the width is missing/],
  ["text for a root", "<map>6 x 5</map>", "MAP_BAD", /the width is missing/],
  ["entities", `<!DOCTYPE map [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>${yardTmx}`, "MAP_UNSUPPORTED", /XML entities/],
  ["elements 101 deep", `<map>${"<group>".repeat(101)}${"</group>".repeat(101)}</map>`, "MAP_BAD", /nested/i],
  ["2^22 characters of something else", `<map>${"x".repeat(2 ** 22)}</map>`, "MAP_TOO_LARGE", /characters outside/],
  ["a width of six", changed(yardTmx, 'width="6"', 'width="six"'), "MAP_BAD", /the width is "six"/],
  ["a width of 0", changed(yardTmx, 'width="6"', 'width="0"'), "MAP_BAD", /the width is 0/],
  ["a width of 10^6", changed(yardTmx, 'width="6"', 'width="1000000"'), "MAP_TOO_LARGE", /1000000 x 5 tiles/],
  [
    "another layer width",
    changed(yardTmx, /(Collision.*)width="6"/, '$1width="7"'),
    "MAP_BAD",
    /width is 7, the map's 6/,
  ],
  ["an infinite map", changed(yardTmx, 'infinite="0"', 'infinite="1"'), "MAP_UNSUPPORTED", /infinite/],
  ["hexagons", changed(yardTmx, "orthogonal", "hexagonal"), "MAP_UNSUPPORTED", /"hexagonal"/],
  ["oblong tiles", changed(yardTmx, 'tileheight="16"', 'tileheight="8"'), "MAP_UNSUPPORTED", /16 x 8 units/],
  ["tiles of 300 units", yardTmx.replaceAll('="16"', '="300"'), "MAP_UNSUPPORTED", /300 units/],
  ["a collision tileset nowhere", changed(yardTmx, 'firstgid="5" ', ""), "MAP_BAD", /firstgid .* is missing/],
  ["tile elements", tagged("", '<tile gid="6"/>'), "MAP_UNSUPPORTED", /encoding is "xml"/],
  ["another encoding", tagged('encoding="hex"', "00"), "MAP_UNSUPPORTED", /encoding is "hex"/],
  ["zstd", tagged('encoding="base64" compression="zstd"', "KLUv/QBY"), "MAP_UNSUPPORTED", /compression is "zstd"/],
  ["no data", tagged('encoding="csv"', ""), "MAP_BAD", /layer "Collision": the data has 0 of 6 x 5 tiles/],
  ["29 tiles", tagged('encoding="csv"', GIDS.slice(1).join()), "MAP_BAD", /has 29 of 6 x 5 tiles/],
  ["31 tiles", tagged('encoding="csv"', `${GIDS.join()},6`), "MAP_BAD", /goes on after 6 x 5 tiles/],
  ["a last comma", tagged('encoding="csv"', `${GIDS.join()},`), "MAP_BAD", /goes on after 6 x 5 tiles/],
  ["a word for a tile", tagged('encoding="csv"', GIDS.join().replace("0", "six")), "MAP_BAD", /row 2, column 2: "six"/],
  ["an empty tile", tagged('encoding="csv"', GIDS.join().replace("0", "")), "MAP_BAD", /row 2, column 2: ""/],
  ["a tile of 2^32", tagged('encoding="csv"', GIDS.join().replace("0", "4294967296")), "MAP_BAD", /"4294967296"/],
  ["two numbers, no comma", tagged('encoding="csv"', GIDS.join().replace(",", " ")), "MAP_BAD", /column 1: "6 6"/],
  [
    "29 tiles in bytes",
    tagged('encoding="base64"', gidBytes.subarray(4).toString("base64")),
    "MAP_BAD",
    /116 bytes, not 120/,
  ],
  ["broken base64", tagged('encoding="base64"', "*".repeat(160)), "MAP_BAD", /is not base64: "\*{10}/],
  ["no zlib", tagged(ZLIB, gidBytes.toString("base64")), "MAP_BAD", /layer "Collision": .*zlib/],
  ["empty zlib", tagged(ZLIB, " "), "MAP_BAD", /0 of 120 bytes/],
  ["half the zlib", tagged(ZLIB, zlibbed.subarray(0, 12).toString("base64")), "MAP_BAD", /layer "Collision"/],
  ["a short zlib", tagged(ZLIB, short), "MAP_BAD", /116 of 120 bytes/],
  ["a zlib bomb", tagged(ZLIB, bomb), "MAP_BAD", /more than 120 bytes/],
  ["a wrong zlib checksum", tagged(ZLIB, flipByte(zlibbed, -1)), "MAP_BAD", /checksum of the zlib/],
  ["a wrong gzip checksum", tagged(GZIP, flipByte(gzipped, -8)), "MAP_BAD", /checksum of the gzip/],
  ["a wrong gzip length", tagged(GZIP, flipByte(gzipped, -1)), "MAP_BAD", /checksum of the gzip/],
  ["half the gzip", tagged(GZIP, gzipped.subarray(0, 15).toString("base64")), "MAP_BAD", /layer "Collision"/],
  ["half a .tmj", yardTmj.slice(0, 300), "MAP_BAD", /the file is not JSON/],
  ["a list", "[1, 2]", "MAP_BAD", /the JSON is a list, not a map/],
  ["an empty object", "{}", "MAP_BAD", /neither layers/],
  ["no list of layers", '{"width":1,"height":1,"tilewidth":8,"tileheight":8,"layers":7}', "MAP_BAD", /layers is 7/],
  ["a layer of null", changed(yardTmj, /"layers": \[/, '"layers": [null,'), "MAP_BAD", /a layer is null/],
  ["a tileset of 7", changed(yardTmj, /"tilesets": \[/, '"tilesets": [7,'), "MAP_BAD", /a tileset is 7/],
  ["a width of 6.5", changed(yardTmj, '"width": 6,', '"width": 6.5,'), "MAP_BAD", /the width is 6\.5/],
  ["a width in quotes", changed(yardTmj, '"width": 6,', '"width": "6",'), "MAP_BAD", /the width is "6"/],
  ["no width", changed(yardTmj, '"width": 6,', ""), "MAP_BAD", /the width is missing/],
  ["a width of 1e300", changed(yardTmj, '"width": 6,', '"width": 1e300,'), "MAP_BAD", /the width is 1e\+300/],
  ["a width of 10^15", changed(yardTmj, '"width": 6,', '"width": 1000000000000000,'), "MAP_TOO_LARGE", /10{15} x 5/],
  ["29 tiles in a list", withLayer({ data: GIDS.slice(1) }), "MAP_BAD", /29 tiles, not 6 x 5/],
  [
    "a word in the list",
    withLayer({ data: [...GIDS.slice(1), "6"] }),
    "MAP_BAD",
    /row 5, column 6: "6" is not a tile id/,
  ],
  ["a tile of -1", withLayer({ data: [-1, ...GIDS.slice(1)] }), "MAP_BAD", /row 1, column 1: -1/],
  ["a tile of 0.5", withLayer({ data: [0.5, ...GIDS.slice(1)] }), "MAP_BAD", /row 1, column 1: 0\.5/],
  ["no data in the layer", withLayer({}), "MAP_BAD", /its data is missing/],
  ["data without encoding", withLayer({ data: "0,0" }), "MAP_UNSUPPORTED", /encoding is missing/],
  ["chunks", withLayer({ chunks: [] }), "MAP_UNSUPPORTED", /chunks/],
  ["a shifted layer", withLayer({ data: GIDS, offsetx: 8 }), "MAP_UNSUPPORTED", /its offsetx is 8, not 0/],
  ["a layer of objects", withLayer({ type: "objectgroup" }), "MAP_UNSUPPORTED", /is of type "objectgroup"/],
  ["two collision layers", changed(yardTmj, '"Ground"', '"collision"'), "MAP_UNSUPPORTED", /2 tile layers/],
  ["2^22 brackets and more", `[${"[".repeat(2 ** 22)}`, "MAP_TOO_LARGE", /4194305 times "\["/],
];

for (const [what, text, code, message] of TILED_REFUSALS) {
  test(`a Tiled map with ${what} is refused with ${code}`, () => refused(text, code, message));
}

test("a DOCTYPE without entities, as old versions of Tiled wrote, is no reason to refuse", async () => {
  const text = changed(yardTmx, "<map", '<!DOCTYPE map SYSTEM "http://mapeditor.org/dtd/1.0/map.dtd">\n<map');
  assert.is(await tilesOf(text), YARD);
});

// --- BrowserQuest

const quest = {
  width: 6,
  height: 5,
  tilesize: 16,
  collisions: [...YARD].flatMap((tile, i) => (tile === "1" ? [i] : [])),
};

test("a BrowserQuest world gives its collisions, repeated ones too, and refuses one outside the map", async () => {
  assert.is(await tilesOf(JSON.stringify(quest)), YARD);
  assert.is(await tilesOf(JSON.stringify({ ...quest, collisions: [...quest.collisions, 0, 0] })), YARD);
  for (const tile of [30, -1, 0.5, "0", null]) {
    const text = JSON.stringify({ ...quest, collisions: [3, tile] });
    await refused(text, "MAP_BAD", /collisions\[1\] is .*, not a tile of 6 x 5/);
  }
  await refused(JSON.stringify({ ...quest, collisions: 3 }), "MAP_BAD", /nor a list of collisions/);
  await refused(JSON.stringify({ ...quest, tilesize: 0 }), "MAP_BAD", /the tilesize is 0/);
  await refused(JSON.stringify({ ...quest, tilesize: 257 }), "MAP_UNSUPPORTED", /tiles of 257 units: at most 256/);
  assert.is(await tilesOf(JSON.stringify({ ...quest, tilesize: 256 })), YARD);
  await refused(JSON.stringify({ ...quest, height: 1e6 }), "MAP_TOO_LARGE", /6 x 1000000 tiles/);
});

// --- What is no map at all

test("text that is no map is refused by what it looks like and what it is called", async () => {
  await refused("", "MAP_BAD", /^empty\.map: the file is empty$/, "empty.map");
  await refused(" \r\n\ufeff\t", "MAP_BAD", /^map: the file is empty$/);
  await refused("hello", "MAP_BAD", /line 1: "hello" is not a MovingAI header/, "a.map");
  await refused("hello", "MAP_BAD", /the file is not JSON/, "a.tmj");
  await refused("hello", "MAP_BAD", /the file is not XML: it begins with "hello"/, "a.tmx");
  await refused("\u001f\ufffd\b\u0000", "MAP_BAD", /line 1: "\\u\{1f\}/, "a.map.gz");
  await refused("x".repeat(2 ** 27 + 1), "MAP_TOO_LARGE", /134217729 characters, at most 134217728/);
});

test("text and name must be strings: BAD_ARGUMENT", async () => {
  for (const text of [undefined, null, 7, {}, new Uint8Array(3), ["type octile"]]) {
    await refused(text as never, "BAD_ARGUMENT", /the text of a map is (undefined|object|number), not string/);
  }
  await refused(yardMap, "BAD_ARGUMENT", /the name of a map is number/, 7 as never);
  await refused(yardMap, "BAD_ARGUMENT", /the name of a map is object/, null as never);
});

test("messages stay short and free of control characters, whatever the file and its name are", async () => {
  for (const text of ["\u0007".repeat(10_000), `<${"y".repeat(10_000)}>`, `{"layers":"${"z".repeat(10_000)}"}`]) {
    await refused(text, "MAP_BAD", /^[^\p{Cc}]{1,310}$/u, "n".repeat(5_000));
  }
});

// --- Nothing else escapes

const CODES = new Set<string>(["MAP_BAD", "MAP_TOO_LARGE", "MAP_UNSUPPORTED"]);
const PIECES = [
  "0",
  "-1",
  "99999999999",
  "6,",
  ",",
  "\n",
  "\r",
  '"',
  "<",
  ">",
  "</data>",
  "<data>",
  "{",
  "]",
  "null",
  "e9",
  "=",
];
PIECES.push(
  "\u0000",
  "\ud800",
  "&amp;",
  "<!--",
  "]]>",
  "width",
  "map\n",
  "__proto__",
  "W",
  "layers",
  'compression="gzip"',
);

function mutate(text: string, random: () => number): string {
  const at = Math.floor(random() * text.length);
  const length = Math.floor(random() ** 4 * text.length);
  const piece = PIECES[Math.floor(random() * PIECES.length)] ?? "";
  switch (Math.floor(random() * 6)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.slice(0, at) + text.slice(at + length);
    case 2:
      return text.slice(0, at + length) + text.slice(at);
    case 3:
      return text.slice(0, at) + piece + text.slice(at);
    case 4:
      return text.slice(0, at) + piece + text.slice(at + piece.length);
    default:
      return text.slice(0, at) + String.fromCharCode(random() * 128) + text.slice(at + 1);
  }
}

test("1,800 mutated files each load as a map that holds together or are refused with one of three codes", async () => {
  const files = [
    yardMap,
    yardTmj,
    yardTmx,
    tagged('encoding="base64"', gidBytes.toString("base64")),
    tagged(ZLIB, zlibbed.toString("base64")),
    tagged(GZIP, gzipped.toString("base64")),
    withLayer({ data: zlibbed.toString("base64"), encoding: "base64", compression: "zlib" }),
    JSON.stringify(quest),
  ];
  const outcomes = { loaded: 0, refused: 0 };
  for (let seed = 1; seed <= 1_800; seed++) {
    const random = generator(seed);
    let text = files[seed % files.length] ?? "";
    for (let rounds = 1 + Math.floor(random() * 3); rounds > 0; rounds--) text = mutate(text, random);
    try {
      const { width, height, tileSize, tiles } = await loadMap(text);
      assert.is(tiles.length, width * height, `seed ${seed}`);
      assert.ok(tileSize >= 1 && tiles.every((tile) => tile <= 2), `seed ${seed}`);
      outcomes.loaded++;
    } catch (error) {
      assert.ok(error instanceof GyreError && CODES.has(error.code), `seed ${seed}: ${error}`);
      outcomes.refused++;
    }
  }
  assert.ok(outcomes.loaded > 100 && outcomes.refused > 900, JSON.stringify(outcomes));
});

test("no mutation of packed data passes as another map: 600 flipped characters", async () => {
  for (let seed = 1; seed <= 600; seed++) {
    const random = generator(seed);
    const [attributes, bytes] = seed % 2 === 0 ? [ZLIB, zlibbed] : [GZIP, gzipped];
    const copy = Buffer.from(bytes);
    const at = Math.floor(random() * copy.length);
    copy[at] = random() * 256;
    let tiles = YARD;
    try {
      tiles = await tilesOf(tagged(attributes, copy.toString("base64")));
    } catch (error) {
      assert.ok(error instanceof GyreError && error.code === "MAP_BAD", `seed ${seed}: ${error}`);
    }
    assert.is(tiles, YARD, `seed ${seed}, byte ${at}`);
  }
});

// --- Real maps

/** Width, height, ground tiles, blocked tiles; the rest is water. */
const MOVINGAI: [string, number, number][] = [
  ["arena", 49, 49],
  ["den520d", 256, 257],
  ["brc202d", 530, 481],
  ["random512-10-0", 512, 512],
  ["maze512-32-0", 512, 512],
  ["icecrown", 512, 512],
];
const CLASSES: Record<string, number> = { ".": 0, G: 0, S: 0, "@": 1, O: 1, T: 1, W: 2 };

if (existsSync(`${DATA}/movingai`)) {
  for (const [name, width, height] of MOVINGAI) {
    test(`${name}.map loads to ${width} x ${height} tiles, each the class of its character`, async () => {
      const text = readFileSync(`${DATA}/movingai/${name}.map`, "utf8");
      const rows = text.slice(text.indexOf("\nmap\n") + 5).replaceAll("\n", "");
      const expected = Uint8Array.from(rows, (character) => CLASSES[character] ?? 9);
      const map = await loadMap(text, `${name}.map`);
      assert.equal([map.width, map.height, map.tileSize], [width, height, 32]);
      assert.is(Buffer.compare(map.tiles, expected), 0);
    });
  }
} else {
  console.log(`${DATA}/movingai is absent: real .map files are not tested`);
}

if (existsSync(`${DATA}/tiled`)) {
  for (const name of ["009-1.tmx", "009-1.tmj"]) {
    test(`${name} loads to 117 x 75 tiles of 32 units, 1,398 of them free, as 009-1.col.json says`, async () => {
      const { blocked } = JSON.parse(readFileSync(`${DATA}/tiled/009-1.col.json`, "utf8"));
      const map = await loadMap(readFileSync(`${DATA}/tiled/${name}`, "utf8"), name);
      assert.equal([map.width, map.height, map.tileSize], [117, 75, 32]);
      assert.is(map.tiles.filter((tile) => tile === 0).length, 1_398);
      assert.equal([...map.tiles], blocked);
    });
  }

  test("BrowserQuest's world loads to 172 x 314 tiles, 17,916 of them blocked", async () => {
    const map = await loadMap(
      readFileSync(`${DATA}/tiled/browserquest-world_server.json`, "utf8"),
      "world_server.json",
    );
    assert.equal([map.width, map.height, map.tileSize], [172, 314, 16]);
    assert.is(map.tiles.filter((tile) => tile === 1).length, 17_916);
  });
} else {
  console.log(`${DATA}/tiled is absent: real Tiled maps are not tested`);
}

test.run();
