import { test } from "uvu";
import * as assert from "uvu/assert";
import { GyreError, shown } from "../src/errors.js";
import {
  CLIENT_MESSAGE_BYTES_MAX,
  NAME_LENGTH_MAX,
  parseClientMessage,
  parseServerMessage,
} from "../src/protocol/control.js";
import { Random } from "./support/random.js";
import { SCRAPS } from "./support/scraps.js";

function refused(parse: (text: string) => unknown, text: string, about: RegExp): void {
  try {
    parse(text);
  } catch (error) {
    assert.ok(error instanceof GyreError, `${text} threw ${error}`);
    assert.is(error.code, "BAD_MESSAGE", text);
    assert.match(error.message, about);
    return;
  }
  assert.unreachable(`accepted ${text}`);
}

const accepted = (message: object): void => {
  assert.equal(parseClientMessage(JSON.stringify(message)), message);
};
const refuses = (message: unknown, about: RegExp): void => {
  refused(parseClientMessage, JSON.stringify(message), about);
};

test("join takes a name of 1 to 32 characters, and a zone", () => {
  accepted({ type: "join", name: "a" });
  accepted({ type: "join", name: "ä".repeat(NAME_LENGTH_MAX), zone: "zone-3" });
  refuses({ type: "join" }, /name is undefined/);
  refuses({ type: "join", name: 7 }, /name is 7/);
  refuses({ type: "join", name: "" }, /0 characters/);
  refuses({ type: "join", name: "a".repeat(NAME_LENGTH_MAX + 1) }, /33 characters/);
  refuses({ type: "join", name: "a\nb" }, /control characters/);
  refuses({ type: "join", name: "\ud800" }, /control characters/);
  refuses({ type: "join", name: "ann", zone: 3 }, /zone is 3/);
});

test("input takes a u32, a finite direction, an action and a tick", () => {
  accepted({ type: "input", seq: 0, dx: 1, dy: -0.5 });
  accepted({ type: "input", seq: 0xffff_ffff, dx: 1e30, dy: 0, action: "attack" });
  accepted({ type: "input", seq: 1, dx: 1, dy: 0, tick: 0 });
  accepted({ type: "input", seq: 1, dx: 1, dy: 0, action: "attack", tick: 0xffff_ffff });
  for (const tick of [-1, 1.5, 0x1_0000_0000]) refuses({ type: "input", seq: 1, dx: 1, dy: 0, tick }, /tick/);
  refuses({ type: "input", seq: 1, dx: 1, dy: 0, tick: "5" }, /tick is "5"/);
  refuses({ type: "input", dx: 1, dy: 0 }, /seq is undefined/);
  refuses({ type: "input", seq: -1, dx: 1, dy: 0 }, /seq -1/);
  refuses({ type: "input", seq: 0x1_0000_0000, dx: 1, dy: 0 }, /seq 4294967296/);
  refuses({ type: "input", seq: 1.5, dx: 1, dy: 0 }, /seq 1.5/);
  refuses({ type: "input", seq: 1, dx: "1", dy: 0 }, /dx is "1"/);
  refuses({ type: "input", seq: 1, dx: 1, dy: null }, /dy is null/);
  refused(parseClientMessage, '{"type":"input","seq":1,"dx":1e999,"dy":0}', /dx is Infinity/);
  refuses({ type: "input", seq: 1, dx: 1, dy: 0, action: 5 }, /action is 5/);
});

test("ping takes a number, leave takes nothing, view takes a rectangle the right way round", () => {
  accepted({ type: "ping", t: 1.5 });
  refuses({ type: "ping", t: "now" }, /t is "now"/);
  accepted({ type: "leave" });
  accepted({ type: "view", x0: -10, y0: 0, x1: 10, y1: 0 });
  accepted({ type: "view", x0: 0, y0: 0, x1: 1, y1: 1, zone: "zone-0" });
  refuses({ type: "view", x0: 0, y0: 0, x1: 1 }, /y1 is undefined/);
  refuses({ type: "view", x0: 2, y0: 0, x1: 1, y1: 1 }, /x0 2 is right of x1 1/);
  refuses({ type: "view", x0: 0, y0: 2, x1: 1, y1: 1 }, /y0 2 is below y1 1/);
});

test("unknown fields are dropped, unknown types and other shapes are refused", () => {
  assert.equal(parseClientMessage('{"type":"leave","__proto__":{"x":1},"admin":true}'), { type: "leave" });
  refuses({ type: "welcome" }, /unknown message type "welcome"/);
  refuses({ type: "__proto__" }, /unknown message type/);
  refuses({}, /unknown message type undefined/);
  refuses([], /not an object/);
  refuses(null, /not an object/);
  refuses(5, /not an object/);
  refused(parseClientMessage, "", /not JSON/);
  refused(parseClientMessage, "{", /not JSON/);
  refused(parseClientMessage, '{"type":"leave"}{"type":"leave"}', /not JSON/);
});

test("server messages are read as they are written, and refused when a field is missing", () => {
  const zone = {
    name: "zone-0",
    width: 4096,
    height: 2048,
    tileSize: 32,
    columns: [{ name: "ammo", type: "u16" }],
    kinds: [{ name: "wolf", hp: 40, levelHp: 5, halfSize: 8 }],
    gates: [{ x0: 0, y0: 0, x1: 64, y1: 32, to: "zone-1" }],
  };
  const good = [
    { type: "welcome", you: 4097, tick: 5, tickRate: 60, snapshotRate: 20, zone },
    { type: "watching", tick: 5, tickRate: 60, snapshotRate: 20, zone },
    { type: "error", code: "BAD_MESSAGE", message: "no" },
    { type: "pong", t: 1, tick: 2 },
    { type: "event", name: "wave", data: { number: 3, from: [1, null] } },
  ];
  for (const message of good) {
    assert.equal(parseServerMessage(JSON.stringify(message)), message);
    for (const field of Object.keys(message)) {
      refused(parseServerMessage, JSON.stringify({ ...message, [field]: undefined }), /./);
    }
  }
  refused(parseServerMessage, '{"type":"join","name":"ann"}', /unknown message type "join"/);
});

test("a zone without columns, kinds and gates has none; with bad ones it is refused", () => {
  const zone = { name: "zone-0", width: 4096, height: 2048, tileSize: 32 };
  const watching = (changes: object): string =>
    JSON.stringify({ type: "watching", tick: 5, tickRate: 60, snapshotRate: 20, zone: { ...zone, ...changes } });
  const read = parseServerMessage(watching({}));
  assert.equal(read.type === "watching" && read.zone, { ...zone, columns: [], kinds: [], gates: [] });
  const inRoom = parseServerMessage(watching({ name: "arena-3", template: "arena" }));
  assert.is(inRoom.type === "watching" && inRoom.zone.template, "arena");
  refused(parseServerMessage, watching({ template: 3 }), /template is 3, not a string/);
  const column = (i: number) => ({ name: `c${i}`, type: "u8" });
  const kind = { name: "wolf", hp: 40, levelHp: 5, halfSize: 8 };
  const gate = { x0: 0, y0: 0, x1: 64, y1: 32, to: "zone-1" };
  parseServerMessage(
    watching({ columns: Array.from({ length: 16 }, (_, i) => column(i)), kinds: Array(256).fill(kind) }),
  );
  const bad: [object, RegExp][] = [
    [{ columns: {} }, /columns is/],
    [{ columns: [3] }, /one of columns is 3/],
    [{ columns: [{ name: "a", type: "f64" }] }, /type of column a/],
    [{ columns: [{ name: "x", type: "u8" }] }, /"x" cannot be/],
    [{ columns: Array.from({ length: 17 }, (_, i) => column(i)) }, /list of up to 16/],
    [{ kinds: [{ ...kind, hp: "40" }] }, /hp is "40"/],
    [{ kinds: [{ ...kind, halfSize: undefined }] }, /halfSize is undefined/],
    [{ kinds: [null] }, /one of kinds is null/],
    [{ kinds: Array(257).fill(kind) }, /list of up to 256/],
    [{ gates: [{ ...gate, x1: -1 }] }, /x0 0 is right of x1 -1/],
    [{ gates: [{ ...gate, to: 5 }] }, /to is 5/],
    [{ gates: Array(257).fill(gate) }, /list of up to 256/],
  ];
  for (const [changes, about] of bad) refused(parseServerMessage, watching(changes), about);
  refused(parseServerMessage, watching({}).replace(/"zone":.*$/, '"zone":[]}'), /zone is \[\]/);
  refused(parseServerMessage, '{"type":"welcome","you":-1}', /you -1 is not a u32/);
  refused(parseServerMessage, '{"type":"event","name":"a\\nb","data":1}', /control characters/);
});

test("10,000 mangled messages, either way, are parsed or refused with BAD_MESSAGE, and nothing else happens", () => {
  const seed = 20_260_101;
  const random = new Random(seed);
  const seeds = [
    '{"type":"join","name":"ann","zone":"zone-0"}',
    '{"type":"input","seq":1,"dx":1,"dy":0,"action":"attack"}',
    '{"type":"view","x0":0,"y0":0,"x1":100,"y1":100}',
    '{"type":"ping","t":1}',
    '{"type":"event","name":"wave","data":{"n":3}}',
    '{"type":"watching","tick":5,"tickRate":60,"snapshotRate":20,"zone":{"name":"z","width":4,"height":2,"tileSize":1,"columns":[{"name":"a","type":"u8"}],"kinds":[{"name":"k","hp":1,"levelHp":0,"halfSize":8}],"gates":[]}}',
  ];
  let parsed = 0;
  for (let i = 0; i < 10_000; i++) {
    let text = random.pick(seeds);
    for (let n = random.integer(0, 3); n > 0; n--) {
      const at = random.integer(0, text.length);
      text = text.slice(0, at) + random.pick(SCRAPS) + text.slice(at + random.integer(0, 4));
    }
    const parse = /"(event|watching)"/.test(text) ? parseServerMessage : parseClientMessage;
    try {
      parse(text.slice(0, CLIENT_MESSAGE_BYTES_MAX));
      parsed++;
    } catch (error) {
      const isRefusal = error instanceof GyreError && error.code === "BAD_MESSAGE";
      assert.ok(isRefusal, `seed ${seed}, message ${i}: ${text} threw ${error}`);
    }
  }
  assert.ok(parsed > 1000 && parsed < 9000, `${parsed} were still good`);
});

test("a value is shown on one line of at most 80 characters: what is no plain data or in itself by its kind, 100,000 deep too", () => {
  const loop: unknown[] = [];
  loop.push(loop);
  const values: [unknown, string][] = [
    [null, "null"],
    [undefined, "undefined"],
    [-0, "0"],
    [Number.NaN, "NaN"],
    ["a\nb", '"a\\nb"'],
    [[1, { a: "b" }], '[1,{"a":"b"}]'],
    [Object.create(null), "{}"],
    [new Map(), "a Map"],
    [Object.create(Object.create(Object.create(null))), "a foreign object"],
    [() => 1, "a function"],
    [5n, "a bigint"],
    [Symbol("x"), "a symbol"],
    [loop, "an array"],
    [{ big: 5n }, "an object"],
    [{ toJSON() {} }, "an object"],
    ["x".repeat(78), `"${"x".repeat(78)}"`],
    ["x".repeat(79), `"${"x".repeat(76)}...`],
  ];
  for (const [value, text] of values) assert.is(shown(value), text);

  let deep: unknown = 1;
  for (let i = 0; i < 100_000; i++) deep = { deep };
  // Newer V8 writes any depth, older ones give up.
  assert.ok(["an object", `${'{"deep":'.repeat(10).slice(0, 77)}...`].includes(shown(deep)), shown(deep));
});

test.run();
