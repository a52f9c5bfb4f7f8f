/** The state tree: what a game assigns, what is sent of it byte by byte, and what readers make of it. */
import { existsSync, readFileSync } from "node:fs";
import { encode } from "@msgpack/msgpack";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { GyreError } from "../src/errors.js";
import { ENCODINGS } from "../src/state/encodings.js";
import { NO_SEAT } from "../src/state/feed.js";
import { JSON_TEXT, MSGPACK, PLAIN } from "../src/state/formats.js";
import { KeyTable } from "../src/state/keys.js";
import { BROADCAST_BYTES_MAX } from "../src/state/limits.js";
import { StateMirror } from "../src/state/mirror.js";
import { wholeOf } from "../src/state/patches.js";
import { declarationProblem, hashPattern, type Plain, patternsOf, schemaOfPatterns } from "../src/state/schema.js";
import { Scopes } from "../src/state/scopes.js";
import { ByteSink } from "../src/state/sink.js";
import { unpack } from "../src/state/unpack.js";
import { EFFORT } from "./support/effort.js";
import { Random } from "./support/random.js";
import { parsed, type StateReader, StateRoom } from "./support/state-room.js";

const DECLARED = {
  broadcast: {
    phase: "day",
    clock: { hour: 6, minute: 0 },
    monsters: { "*": { hp: 0, name: "", loot: { "*": 0 } } },
    scores: { "*": 0 },
    grid: { "*": { "*": 0 } },
    note: null,
    arena: { open: false, doors: { "*": { open: false } } },
  },
  perPlayer: { quest: "", bag: { "*": { count: 0 } }, keys: [] as Plain[] },
};

const code = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    if (error instanceof GyreError) return error.code;
    throw error;
  }
  return "";
};
const message = (act: () => unknown): string => {
  try {
    act();
  } catch (error) {
    return (error as Error).message;
  }
  return "";
};
const same = (a: unknown, b: unknown): boolean => sorted(a) === sorted(b);
const sorted = (value: unknown): string =>
  JSON.stringify(value, (_, inner) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );

test("a change is an assignment, and what was read, looped over and turned to JSON is what was assigned", () => {
  const { sync } = new StateRoom(DECLARED);
  assert.is(sync.phase, "day");
  sync.phase = "night";
  sync.monsters["dragon"] = { hp: 300, name: "Smaug" };
  sync.monsters.dragon.hp--;
  sync.monsters.dragon.loot.gold = 7;
  sync.clock = { hour: 7 };
  sync.scores = { ann: 3, bob: 4 };
  sync.scores.ann += 2;
  delete sync.scores.bob;
  sync.note = [1, { a: null }];
  sync.arena.doors.north = {};
  assert.is(sync.monsters.dragon.hp, 299);
  assert.equal(Object.keys(sync.scores), ["ann"]);
  assert.ok("dragon" in sync.monsters && !("orc" in sync.monsters));
  assert.is(
    JSON.stringify(sync),
    '{"phase":"night","clock":{"hour":7,"minute":0},"monsters":{"dragon":{"hp":299,"name":"Smaug","loot":{"gold":7}}},' +
      '"scores":{"ann":5},"grid":{},"note":[1,{"a":null}],"arena":{"open":false,"doors":{"north":{"open":false}}}}',
  );
  assert.equal({ ...sync.clock }, { hour: 7, minute: 0 });
});

test("what was not declared, or is of another type, is refused with its path, and changes nothing", () => {
  const room = new StateRoom(DECLARED);
  const { sync } = room;
  sync.monsters.dragon = { hp: 1 };
  const before = JSON.stringify(sync);
  const cases: [() => unknown, RegExp][] = [
    [() => (sync.phases = 1), /^sync\.phases is not declared; there are phase, clock/],
    [() => (sync.phase = 3), /^sync\.phase is 3; it must be a string$/],
    [() => (sync.monsters.dragon.hp = "3"), /^sync\.monsters\.dragon\.hp is "3"; it must be a number$/],
    [() => (sync.monsters.dragon.hp = Number.NaN), /^sync\.monsters\.dragon\.hp is NaN/],
    [() => (sync.monsters["a b"] = { hp: -0 }), /^sync\.monsters\["a b"\]\.hp is -0/],
    [() => (sync.monsters.orc = { hq: 1 }), /^sync\.monsters\.orc\.hq is not declared/],
    [() => (sync.monsters.orc = 5), /^sync\.monsters\.orc is 5; it must be an object/],
    [() => (sync.monsters = []), /must be an object/],
    [() => (sync.scores[""] = 1), /a key of sync\.scores is ""/],
    [() => (sync.scores["x".repeat(65)] = 1), /1 to 64 characters/],
    [() => (sync.scores["\ud800"] = 1), /1 to 64 characters/],
    [() => (sync.note = { at: new Date(0) }), /sync\.note\.at is a Date/],
    [() => (sync.note = "\udfff"), /lone surrogates/],
    [() => (sync.note = ["\udfff"]), /lone surrogates/],
    [() => delete sync.phase, /cannot be deleted/],
    [() => Object.defineProperty(sync, "phase", { value: 1 }), /assignments and nothing else/],
    [() => (sync.note = "x".repeat(300_000)), /would be \d+ bytes as it is sent/],
  ];
  for (const [act, rule] of cases) {
    assert.is(code(act), "BAD_ARGUMENT", String(rule));
    assert.match(message(act), rule);
  }
  assert.is(JSON.stringify(sync), before);
  // An escaped backslash before what looks like a surrogate is none.
  sync.note = ["\\ud800"];
  const { dragon } = sync.monsters;
  delete sync.monsters.dragon;
  assert.match(
    message(() => dragon.hp--),
    /sync\.monsters\.dragon was taken out of the tree/,
  );
  assert.throws(() => sync.note.push(1), TypeError);
});

test("a tree holds 16,384 entries, and gives their room back", () => {
  const { sync } = new StateRoom({ broadcast: { bits: { "*": { "*": true } } } });
  const row = Object.fromEntries(Array.from({ length: 1023 }, (_, i) => [`k${i}`, false]));
  assert.match(
    message(() => {
      for (let i = 0; i < 20; i++) sync.bits[i] = row;
    }),
    /would (have|be) \d+/,
  );
  const rows = Object.keys(sync.bits).length;
  for (let n = 0; n < 100; n++) {
    delete sync.bits[0];
    sync.bits[0] = row;
  }
  assert.is(Object.keys(sync.bits).length, rows);
  sync.bits = {};
  for (let i = 0; i < rows; i++) sync.bits[i] = row;
});

test("whatever a tree holds, its first sync is no longer than the bound of the tree, in any encoding", () => {
  const deep = (inner: Plain, levels = 6): Plain =>
    levels === 0 ? inner : { [`${"n".repeat(31)}${levels}`]: deep(inner, levels - 1) };
  const cases: [Plain, (tree: Record<string, unknown>, n: number) => void][] = [
    [deep({ "*": true }), (table, n) => (table[n] = false)],
    [deep({ "*": { a: 0, b: "" } }), (table, n) => (table[n] = { a: n, b: `${n}` })],
    [{ "*": true }, (table, n) => (table[`${n}~/"\n`.padEnd(64, "/")] = false)],
    [{ "*": 0 }, (table, n) => (table[n] = n + 0.5)],
    [{ "*": [] }, (table, n) => (table[n] = new Array(1000).fill(0.5))],
    [{ "*": null }, (table, n) => (table[n] = { f: new Array(1000).fill(1e300), t: "\u0001".repeat(99) })],
    [{ "*": { "*": { "*": 0 } } }, (table, n) => (table[n] = { x: { y: 0.1, z: 0.2 } })],
  ];
  for (const [declared, add] of cases) {
    const { broadcast } = new Scopes({ broadcast: { top: declared, list: [] } });
    let table = (broadcast.view as Record<string, unknown>)["top"] as Record<string, unknown>;
    for (let names = Object.keys(table); names.length === 1; names = Object.keys(table))
      table = table[names[0] as string] as Record<string, unknown>;
    let n = 0;
    const refused = code(() => {
      for (;;) add(table, n++);
    });
    assert.is(refused, "BAD_ARGUMENT");
    broadcast.drain(null);
    for (const encoding of ENCODINGS) {
      const keys = new KeyTable(4096);
      for (const key of Object.keys(table)) keys.use(key);
      const sink = new ByteSink();
      encoding.patches(wholeOf(broadcast, keys), sink);
      assert.ok(sink.size <= BROADCAST_BYTES_MAX, `${sink.size} bytes of ${JSON.stringify(declared)}, ${n} entries`);
    }
  }
});

test("first values that are too many are refused when they are declared, in either scope", () => {
  for (const scope of ["broadcast", "perPlayer"]) {
    assert.is(
      code(() => new Scopes({ [scope]: { text: "x".repeat(300_000) } })),
      "BAD_ARGUMENT",
      scope,
    );
  }
});

test("declarations that cannot be right are refused with their path", () => {
  const cases: [Plain, RegExp][] = [
    [3, /^sync\.broadcast is 3/],
    [{ "*": 0 }, /^sync\.broadcast is /],
    [{ a: {} }, /^sync\.broadcast\.a is \{\}/],
    [{ a: { "*": 0, b: 1 } }, /names beside/],
    [{ "a-b": 1 }, /a name in sync\.broadcast is "a-b"/],
    [{ constructor: 1 }, /"constructor"/],
    [JSON.parse('{"__proto__":1}'), /"__proto__"/],
    [{ a: { b: { c: { d: { e: { f: { g: { h: { i: 1 } } } } } } } } }, /deeper than 8/],
    [Object.fromEntries(Array.from({ length: 257 }, (_, i) => [`n${i}`, 0])), /257 places/],
    [{ phgd: 0, uhxb: 0, dhzjg: 0 }, /^$/],
  ];
  for (const [declared, rule] of cases) assert.match(declarationProblem(declared, "sync.broadcast") ?? "", rule);
  // FNV-1a's own vectors, and two words that are known to have the same.
  assert.is(hashPattern(""), 0x811c9dc5);
  assert.is(hashPattern("a"), 0xe40c292c);
  assert.is(hashPattern("foobar"), 0xbf9cf968);
  assert.equal(schemaOfPatterns(patternsOf(DECLARED.broadcast))?.patterns, patternsOf(DECLARED.broadcast));
  for (const bad of [
    ["a"],
    ["/a/b"],
    ["/a", "/a"],
    ["/"],
    ["/valueOf", "/valueOf/x"],
    ["/__proto__"],
    ["/a", "/a/*", "/a/b"],
  ]) {
    assert.is(schemaOfPatterns(bad), null, bad.join());
  }
});

test("two patterns with the same hash are refused", () => {
  const seen = new Map<number, string>();
  let pair: [string, string] | null = null;
  const random = new Random(1);
  while (pair === null) {
    const name = `n${random.next().toString(36)}`;
    const hash = hashPattern(`/${name}`);
    const other = seen.get(hash);
    if (other !== undefined && other !== name) pair = [other, name];
    seen.set(hash, name);
  }
  const [a, b] = pair;
  assert.match(declarationProblem({ [a]: 0, [b]: 0 }, "sync.broadcast") ?? "", /whose hashes are equal/);
  assert.is(declarationProblem({ [a]: 0 }, "sync.broadcast"), null);
});

const SMALL = { broadcast: { phase: "day", monsters: { "*": { hp: 0 } } }, perPlayer: { quest: "" } };
const HASH = {
  phase: hashPattern("/phase"),
  monsters: hashPattern("/monsters"),
  monster: hashPattern("/monsters/*"),
  hp: hashPattern("/monsters/*/hp"),
  quest: hashPattern("/quest"),
};

/** Every kind of message, with what it says. */
function played(format: number): { ann: StateReader; bob: StateReader; said: string[] } {
  const room = new StateRoom(SMALL);
  room.sync.monsters.dragon = { hp: 3 };
  const ann = room.join(0, format);
  room.step();
  const said = [ann.last];
  const note = (): void => {
    room.step();
    said.push(ann.last);
  };
  note();
  room.sync.phase = "night";
  room.sync.monsters.dragon.hp--;
  note();
  room.sync.monsters.dragon.hp--;
  room.feed.tell(NO_SEAT, "howl", '{"at":1}');
  note();
  delete room.sync.monsters.dragon;
  room.sync.monsters.orc = { hp: 9 };
  note();
  room.syncOf(0).quest = "x";
  note();
  room.feed.tell(0, "hit", "5");
  note();
  room.syncOf(0).quest = "y";
  room.feed.tell(0, "hit", "6");
  note();
  room.sync.monsters = { elf: { hp: 1 } };
  room.feed.tell(NO_SEAT, "late", "null");
  const bob = room.join(1, format);
  room.step();
  said.push(ann.last, bob.last);
  return { ann, bob, said };
}

test("golden: every kind of message in JSON", () => {
  const { phase, monsters, monster, hp, quest } = HASH;
  assert.equal(played(JSON_TEXT).said, [
    `[1,[${quest},[],1,""],107,[${phase},[],1,"day"],[${monsters},[],1,{}],[${monster},[0,"dragon"],1,{"hp":3}]]`,
    "[107,[0],[]]",
    `[107,[2,[${phase},[],1,"night"],[${hp},0,1,2]],[]]`,
    `[107,[2,[${hp},0,1,1]],[["howl",{"at":1}]]]`,
    `[107,[2,[${monster},0,2],[${monster},[1,"orc"],1,{"hp":9}]],[]]`,
    `[2,[${quest},[],1,"x"]]`,
    '[108,[0],[["hit",5]]]',
    `[108,[2,[${quest},[],1,"y"]],[["hit",6]]]`,
    `[107,[2,[${monsters},[],1,{"elf":{"hp":1}}]],[["late",null]]]`,
    `[108,[1,[${quest},[],1,""],107,[${phase},[],1,"night"],[${monsters},[],1,{}],[${monster},"elf",1,{"hp":1}]],[["late",null]]]`,
  ]);
});

test("golden: every kind of message in MessagePack, the same arrays as in JSON", () => {
  const packed = played(MSGPACK);
  const text = played(JSON_TEXT);
  for (const name of ["ann", "bob"] as const) {
    assert.is(packed[name].messages.length, text[name].messages.length);
    for (const [i, bytes] of packed[name].messages.entries()) {
      const array = parsed(text[name].messages[i] as Uint8Array, JSON_TEXT);
      assert.equal(bytes, encode(array), JSON.stringify(array));
    }
  }
  assert.equal([HASH.phase, HASH.hp], [0x6d25daa5, 0x02b32765]);
  assert.equal(packed.said.slice(1, 4), [
    "93 6b 91 00 90",
    "93 6b 93 02 94 ce 6d 25 da a5 90 01 a5 6e 69 67 68 74 94 ce 02 b3 27 65 00 01 02 90",
    "93 6b 92 02 94 ce 02 b3 27 65 00 01 01 91 92 a4 68 6f 77 6c 81 a2 61 74 01",
  ]);
});

test("docs/state.md has these messages, and no others", () => {
  const [, golden = ""] = readFileSync("docs/state.md", "utf8").split("## Golden messages");
  const [text, packed] = [played(JSON_TEXT).said, played(MSGPACK).said];
  const lines = golden.split("\n").filter((line) => line.startsWith("["));
  assert.ok(lines.length >= 7);
  for (const line of lines) {
    const [said = "", bytes] = line.split(/ {2,}/);
    const index = text.indexOf(said);
    assert.ok(index >= 0, said);
    if (bytes !== undefined) assert.is(bytes, packed[index]);
  }
  for (const [, pattern = "", hash] of golden.matchAll(/(\/\S+) (0x[0-9a-f]{8})/g))
    assert.is(hashPattern(pattern), Number(hash));
});

test("golden: in plain, with paths", () => {
  const { said } = played(PLAIN);
  assert.is(said[0], '[1,["/quest",1,""],107,["/phase",1,"day"],["/monsters",1,{}],["/monsters/dragon",1,{"hp":3}]]');
  assert.is(said[2], '[107,[2,["/phase",1,"night"],["/monsters/dragon/hp",1,2]],[]]');
  assert.is(said[4], '[107,[2,["/monsters/dragon",2],["/monsters/orc",1,{"hp":9}]],[]]');
});

test("the design's example: both scopes define their own slot 0, and a first sync redefines what it names and nothing else", () => {
  const mirror = new StateMirror({ broadcast: ["/items", "/items/*"], player: ["/items", "/items/*"] });
  const [table, hash] = [hashPattern("/items"), hashPattern("/items/*")];
  mirror.apply([1, [table, [], 1, {}], 107, [table, [], 1, {}]]);
  mirror.apply([107, [2, [hash, [0, "foo"], 1, 1]], []]);
  mirror.apply([2, [hash, [0, "bar"], 1, 1], [hash, [1, "baz"], 1, 2]]);
  assert.ok(same(mirror.broadcast, { items: { foo: 1 } }) && same(mirror.own, { items: { bar: 1, baz: 2 } }));
  mirror.apply([1, [table, [], 1, {}], [hash, [0, "qux"], 1, 5]]);
  mirror.apply([107, [2, [hash, 0, 1, 2]], []]);
  mirror.apply([2, [hash, 1, 1, 3], [hash, 0, 1, 6]]);
  assert.ok(same(mirror.broadcast, { items: { foo: 2 } }) && same(mirror.own, { items: { qux: 6, baz: 3 } }));
});

/** In a variable, as linters know it as something else. */
const PROTO = "__proto__";

test("keys named __proto__, constructor and prototype are keys on both sides, and touch no prototype", () => {
  for (const format of [MSGPACK, JSON_TEXT, PLAIN]) {
    const room = new StateRoom({ broadcast: { t: { "*": { hp: 0 } }, any: null } });
    const reader = room.join(NO_SEAT, format);
    room.sync.t[PROTO] = { hp: 1 };
    room.step();
    room.sync.t["constructor"] = { hp: 2 };
    room.sync.t["prototype"] = { hp: 3 };
    room.sync.t[PROTO].hp = 4;
    room.sync.any = JSON.parse('{"__proto__":{"polluted":1},"constructor":2}');
    room.step();
    const { t, any } = reader.mirror.broadcast as unknown as { t: Record<string, { hp: number }>; any: object };
    assert.equal(Object.keys(t).sort(), ["__proto__", "constructor", "prototype"]);
    assert.is(t[PROTO]?.hp, 4);
    assert.equal(Object.keys(any), ["__proto__", "constructor"]);
    assert.is((any as { polluted?: number }).polluted, undefined);
    delete room.sync.t[PROTO];
    room.step();
    assert.is(t[PROTO], undefined);
    assert.is(({} as { hp?: number }).hp, undefined);
  }
});

test("a key table of 4 slots gives the oldest slot on, and who comes later knows every slot that stands alone", () => {
  const keys = new KeyTable(4);
  assert.equal(
    ["a", "b", "c", "d", "a"].map((key) => keys.use(key).slot),
    [0, 1, 2, 3, 0],
  );
  assert.equal(keys.use("e"), { key: "e", slot: 0, isDefined: true });
  assert.equal(keys.use("a"), { key: "a", slot: 1, isDefined: true });
  assert.equal(keys.show("c"), { key: "c", slot: 2, isDefined: true });
  assert.equal(keys.show("z"), { key: "z", slot: -1, isDefined: false });
  keys.shown();
  assert.is(keys.use("c").isDefined, false);
  assert.is(keys.use("d").isDefined, true);
});

test("a player's values are in no other player's messages, nor in 107", () => {
  for (const format of [MSGPACK, JSON_TEXT, PLAIN]) {
    const room = new StateRoom(DECLARED);
    const readers = [0, 1, 2].map((seat) => room.join(seat, format));
    for (let n = 0; n < 20; n++) {
      for (const seat of [0, 1, 2]) {
        room.syncOf(seat).quest = `secret-${seat}-${n}`;
        room.syncOf(seat).bag[`secret-${seat}-key`] = { count: n };
        if (n % 3 === 0) room.feed.tell(seat, "hint", `"secret-${seat}-event"`);
      }
      room.sync.clock.minute = n;
      room.step();
    }
    for (const { seat, messages } of readers) {
      const all = Buffer.concat(messages).toString("latin1");
      for (const other of [0, 1, 2]) assert.is(all.includes(`secret-${other}`), other === seat, `${seat} and ${other}`);
      const broadcasts = messages.filter((bytes) => (parsed(bytes, format) as Plain[])[0] === 107);
      assert.ok(broadcasts.length >= 19);
      assert.not.ok(Buffer.concat(broadcasts).includes("secret"));
    }
    const first = readers[0]?.messages.filter((bytes) => (parsed(bytes, format) as Plain[])[0] === 107);
    for (const { messages } of readers) {
      assert.equal(
        messages.filter((bytes) => (parsed(bytes, format) as Plain[])[0] === 107),
        first,
      );
    }
  }
});

test("what everybody is told waits for who has come and asks later, once and in order, and for nobody who comes after it", () => {
  for (const format of [MSGPACK, JSON_TEXT, PLAIN]) {
    const room = new StateRoom(DECLARED);
    const tell = (name: string): void => room.feed.tell(NO_SEAT, name, "null");
    const names = ({ events }: StateReader): string[] => events.map(({ name }) => name);
    tell("to nobody");
    room.feed.expect(0);
    tell("ann comes");
    room.step();
    tell("still nobody reads");
    room.step();
    tell("she asks");
    const ann = room.join(0, format);
    room.step();
    room.feed.expect(1);
    room.feed.tell(1, "to bob", "null");
    tell("bob comes");
    room.step();
    tell("he asks");
    const bob = room.join(1, format);
    room.step();
    tell("both read");
    room.step();
    assert.equal(names(ann), ["ann comes", "still nobody reads", "she asks", "bob comes", "he asks", "both read"]);
    assert.equal(names(bob), ["to bob", "bob comes", "he asks", "both read"]);
    assert.is(room.feed.eventsDropped, 0);
  }
});

test("of what everybody is told 64 events wait for who came and does not ask, and none once it is gone, or nobody can listen", () => {
  const room = new StateRoom(DECLARED);
  const fill = (): number => {
    room.feed.expect(0);
    for (let n = 0; n < 100; n++) {
      room.feed.tell(NO_SEAT, `e${n}`, "null");
      if (n % 10 === 9) room.step();
    }
    return room.feed.eventsDropped;
  };
  assert.is(fill(), 36);
  assert.is(room.join(0).events.length, 0);
  room.step();
  assert.equal(
    room.readers[0]?.events.map(({ name }) => name),
    Array.from({ length: 64 }, (_, n) => `e${n}`),
  );
  room.leave(room.readers[0] as StateReader);
  room.feed.eventsDropped = 0;
  for (const end of [() => room.scopes.remove(0), () => room.scopes.reset(), () => room.feed.sync(++room.tick, null)]) {
    room.feed.expect(0);
    room.feed.tell(NO_SEAT, "stale", "null");
    end();
    room.step();
    const reader = room.join(0);
    room.step();
    assert.equal([reader.isCurrent, reader.events], [true, []]);
    room.leave(reader);
  }
});

test("what a sink does not take is told in a first sync", () => {
  const room = new StateRoom(DECLARED);
  const ann = room.join(0);
  room.step();
  room.loses = ({ kind }) => kind === 2 || kind === 4;
  room.syncOf(0).quest = "lost";
  room.step();
  assert.is(ann.mirror.own["quest"], "");
  room.loses = () => false;
  room.step();
  assert.is(ann.mirror.own["quest"], "lost");
});

test("a first sync that finds no room is encoded again at once, then more and more rarely; when there is room it comes", () => {
  for (const lost of [3, 4]) {
    const room = new StateRoom(DECLARED);
    const tries: number[] = [];
    room.loses = ({ kind }) => {
      if (kind === 3) tries.push(room.tick);
      return kind === lost;
    };
    const readers = [0, 1, 2].map((seat) => room.join(seat, PLAIN));
    for (let n = 0; n < 200; n++) {
      room.sync.clock.minute = n;
      room.step();
    }
    assert.equal(tries, [1, 2, 4, 7, 12, 21, 38, 71, 104, 137, 170]);
    room.loses = () => false;
    for (let n = 0; n < 33; n++) room.step();
    for (const { mirror } of readers) assert.equal(mirror.broadcast["clock"], { hour: 6, minute: 199 });
    // The pause is forgotten.
    const late = room.join(4, PLAIN);
    room.step();
    assert.is(late.messages.length, 1);
  }
});

/** One random act of a game. */
function act(room: StateRoom, seats: readonly number[], random: Random): void {
  const name = (): string =>
    random.pick(["a", "b", "c", "dragon", "__proto__", "constructor", "42", "é", `k${random.integer(0, 300)}`]);
  const { sync } = room;
  const monster = (): unknown => sync.monsters[name()];
  switch (random.integer(0, 13)) {
    case 0:
      sync.phase = random.pick(["day", "night", "dusk"]);
      break;
    case 1:
      sync.clock.minute = random.integer(0, 59);
      break;
    case 2:
      sync.clock = random.pick([{}, { hour: 3 }, { hour: 4, minute: 5 }]);
      break;
    case 3:
      sync.monsters[name()] = random.pick([
        {},
        { hp: random.integer(-9, 70_000) },
        { name: "x", loot: { gold: 1, [name()]: 2 } },
      ]);
      break;
    case 4:
      delete sync.monsters[name()];
      break;
    case 5: {
      const found = monster() as { hp: number; loot: Record<string, number> } | undefined;
      if (found !== undefined) found.hp -= 1.5;
      if (found !== undefined && random.float() < 0.5) found.loot[name()] = random.integer(0, 9);
      if (found !== undefined && random.float() < 0.2) delete found.loot[name()];
      break;
    }
    case 6:
      sync.scores[name()] = random.next();
      break;
    case 7:
      if (random.float() < 0.3) sync.scores = random.pick([{}, { a: 1, zed: 2 }]);
      else delete sync.scores[name()];
      break;
    case 8:
      sync.grid[name()] = { [name()]: 1 };
      break;
    case 9: {
      const row = sync.grid[name()];
      if (row !== undefined) row[name()] = random.integer(0, 3);
      break;
    }
    case 10:
      sync.note = random.pick([null, 1, "é", [1, [2, { a: { b: [] } }]], { deep: { er: 1e300 } }, true, 0.1]);
      break;
    case 11:
      if (random.float() < 0.3) sync.monsters = { [name()]: { hp: 1 }, [name()]: {} };
      else sync.arena.doors[name()] = { open: true };
      break;
    default: {
      if (seats.length === 0) break;
      const own = room.syncOf(random.pick(seats));
      if (random.float() < 0.3) own.quest = `q${random.integer(0, 5)}`;
      else if (random.float() < 0.7) own.bag[name()] = { count: random.integer(0, 300) };
      else if (random.float() < 0.8) delete own.bag[name()];
      else own.keys = [...own.keys.slice(-3), random.integer(0, 9)];
    }
  }
}

test("model: random acts, joins, leaves, losses and returns; each mirror equals the trees", () => {
  for (let seed = 1; seed <= 5 * EFFORT; seed++) {
    const random = new Random(seed);
    const room = new StateRoom(DECLARED);
    const free = [0, 1, 2, 3, 4, 5];
    let lossy = false;
    room.loses = ({ kind }) => lossy && kind !== 1 && random.float() < 0.3;
    try {
      for (let n = 0; n < 300; n++) {
        lossy = n % 10 < 5;
        if (random.float() < 0.2) {
          const seat = random.float() < 0.3 ? NO_SEAT : (free.shift() ?? NO_SEAT);
          room.join(seat, random.integer(0, 2));
        }
        if (random.float() < 0.15 && room.readers.length > 0) {
          const reader = random.pick(room.readers);
          room.leave(reader);
          if (reader.seat !== NO_SEAT) free.push(reader.seat);
        }
        // Behind, it asks again.
        if (random.float() < 0.1 && room.readers.length > 0) {
          const { seat, format } = random.pick(room.readers);
          if (seat !== NO_SEAT) room.feed.ask(seat, format);
        }
        const seats = room.readers.map(({ seat }) => seat).filter((seat) => seat !== NO_SEAT);
        for (let acts = random.integer(0, 12); acts > 0; acts--) act(room, seats, random);
        room.step();
        // A pause is no longer than what was lossy before it.
        if (n % 10 < 8) continue;
        for (const { seat, mirror, isCurrent } of room.readers) {
          assert.ok(isCurrent, "is current");
          assert.ok(
            same(mirror.broadcast, room.sync),
            `broadcast of ${seat}: ${sorted(mirror.broadcast)} ${sorted(room.sync)}`,
          );
          if (seat !== NO_SEAT) assert.ok(same(mirror.own, room.syncOf(seat)), `own of ${seat}`);
        }
        // What is saved is restored, in its order, and its size is the same.
        const again = new Scopes(DECLARED);
        again.restore(JSON.parse(JSON.stringify(room.scopes.save())));
        assert.is(JSON.stringify(again.save()), JSON.stringify(room.scopes.save()));
        assert.is(JSON.stringify(again.broadcast.view), JSON.stringify(room.sync));
        assert.is(again.broadcast.size, room.scopes.broadcast.size);
        assert.is(again.broadcast.entries, room.scopes.broadcast.entries);
      }
    } catch (error) {
      console.log(`seed ${seed}, sync ${room.tick}`);
      throw error;
    }
  }
});

/** 200,000 messages of which some bytes are others, fewer or more. */
const MUTATIONS = 200_000;

test("mutated and truncated messages are applied whole, or refused with BAD_FRAME and nothing changed", () => {
  const seed = 7;
  const random = new Random(seed);
  const room = new StateRoom(DECLARED);
  const [packed, text] = [room.join(0, MSGPACK), room.join(1, JSON_TEXT)];
  for (let n = 0; n < 20 * EFFORT; n++) {
    for (let acts = 0; acts < 6; acts++) act(room, [0, 1], random);
    room.feed.tell(NO_SEAT, "e", '[1,"x"]');
    room.step();
  }
  let refused = 0;
  let mirror = new StateMirror(room.scopes.info);
  let source = packed;
  const known = (): string => sorted([mirror.broadcast, mirror.own]);
  for (let n = 0; n < MUTATIONS; n++) {
    if (n % 500 === 0) {
      source = n % 1000 === 0 ? packed : text;
      mirror = new StateMirror(room.scopes.info);
      const upTo = random.integer(0, 10);
      for (const bytes of source.messages.slice(0, upTo)) mirror.apply(parsed(bytes, source.format));
    }
    const bytes = random.pick(source.messages).slice(0);
    const cut = random.float() < 0.2 ? bytes.slice(0, random.integer(0, bytes.length)) : bytes;
    for (let changes = cut.length === 0 ? 0 : random.integer(0, 3); changes > 0; changes--) {
      cut[random.integer(0, cut.length - 1)] = random.integer(0, 255);
    }
    const before = n % 32 === 0 ? known() : "";
    try {
      mirror.apply(source.format === MSGPACK ? unpack(cut) : textOf(cut));
    } catch (error) {
      refused++;
      if (!(error instanceof GyreError) || error.code !== "BAD_FRAME") {
        console.log(`seed ${seed}, message ${n}: ${[...cut]}`);
        throw error;
      }
      if (before !== "") assert.is(known(), before, `seed ${seed}, message ${n}`);
    }
  }
  assert.ok(refused > MUTATIONS / 4 && refused < MUTATIONS, `${refused} refused`);
});

function textOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    throw new GyreError("BAD_FRAME", "no JSON");
  }
}

test("a reader refuses what no sender says, by name", () => {
  const mirror = (): StateMirror => {
    const made = new StateMirror({ broadcast: patternsOf(SMALL.broadcast), player: patternsOf(SMALL.perPlayer) });
    made.apply([
      1,
      [HASH.quest, [], 1, ""],
      107,
      [HASH.phase, [], 1, ""],
      [HASH.monsters, [], 1, { dragon: { hp: 1 } }],
    ]);
    return made;
  };
  const cases: [unknown, RegExp][] = [
    [{}, /is {}, not a list/],
    [[], /begins with undefined/],
    [[3], /begins with 3/],
    [[0, 1], /no change, and patches/],
    [[107, [0]], /2 elements, not 3/],
    [[107, [1], []], /begins with 1/],
    [[107, [2, [HASH.quest, [], 1, "x"]], []], /no place/],
    [[2, [HASH.phase, [], 1, "x"]], /no place/],
    [[107, [2, [HASH.hp, 0, 1, 2]], []], /slot 0, which has no key/],
    [[107, [2, [HASH.hp, 4096, 1, 2]], []], /slot 4096/],
    [[107, [2, [HASH.hp, -1, 1, 2]], []], /slot -1/],
    [[107, [2, [HASH.hp, [0, "orc"], 1, 2]], []], /which is not there/],
    [[107, [2, [HASH.hp, [0, "dragon"], 2]], []], /is deleted/],
    [[107, [2, [HASH.hp, [0, "dragon"], 3, 1]], []], /does 3/],
    [[107, [2, [HASH.hp, [0, "dragon"], 1]], []], /does 1 with 0/],
    [[107, [2, [HASH.monster, [0, ""], 1, { hp: 1 }]], []], /a key ""/],
    [[107, [2, [HASH.monster, [0, "a"], 1, { hq: 1 }]], []], /no hp/],
    [[107, [2, [HASH.monster, [0, "a"], 1, { hp: 1, x: 1 }]], []], /other fields/],
    [[107, [2, [HASH.monster, [0, "a"], 1, 4]], []], /is 4/],
    [[107, [2, [HASH.phase, [0], 1, "x"]], []], /1 keys/],
    [[107, [0], [["", 1]]], /an event/],
    [[107, [0], [["a"]]], /an event/],
    [[2, ["/phase/x", 1, 3]], /no place/],
  ];
  for (const [bad, rule] of cases) {
    const reader = mirror();
    const before = JSON.stringify([reader.broadcast, reader.own]);
    assert.match(
      message(() => reader.apply(bad)),
      rule,
      JSON.stringify(bad),
    );
    assert.is(
      code(() => reader.apply(bad)),
      "BAD_FRAME",
    );
    assert.is(JSON.stringify([reader.broadcast, reader.own]), before);
  }
  const fresh = new StateMirror({ broadcast: ["/a"], player: [] });
  assert.match(
    message(() => fresh.apply([107, [2, [hashPattern("/a"), [], 1, 1]], []])),
    /not known yet/,
  );
  assert.equal(fresh.apply([107, [0], [["hi", 1]]]), [{ name: "hi", data: 1 }]);
});

interface Vector {
  readonly msgpack: readonly string[];
  readonly [kind: string]: unknown;
}

test("MessagePack: the public test suite, as far as plain data goes; the rest is refused", () => {
  const file = process.env["MSGPACK_SUITE"] ?? "test/vectors/msgpack-test-suite.json";
  if (!existsSync(file)) {
    console.log(`  (skipped: no ${file}; MSGPACK_SUITE names another)`);
    return;
  }
  let taken = 0;
  let refused = 0;
  for (const vectors of Object.values(JSON.parse(readFileSync(file, "utf8")) as Record<string, Vector[]>)) {
    for (const vector of vectors) {
      const kind = Object.keys(vector)[0] as string;
      for (const hex of vector.msgpack) {
        const bytes = Uint8Array.from(hex.split("-").map((byte) => Number.parseInt(byte, 16)));
        if (
          ["binary", "timestamp", "ext"].includes(kind) ||
          (kind === "bignum" && !Number.isSafeInteger(Number(vector["bignum"])))
        ) {
          // A bignum may be written as a float, which is what it is in plain data.
          if (kind === "bignum" && (bytes[0] === 0xcb || bytes[0] === 0xca)) continue;
          assert.is(
            code(() => unpack(bytes)),
            "BAD_FRAME",
            hex,
          );
          refused++;
        } else {
          const wanted = kind === "bignum" ? Number(vector["bignum"]) : vector[kind];
          assert.equal(unpack(bytes), wanted, hex);
          for (let size = 0; size < bytes.length; size++)
            assert.is(
              code(() => unpack(bytes.slice(0, size))),
              "BAD_FRAME",
              hex,
            );
          taken++;
        }
      }
    }
  }
  assert.ok(taken > 100 && refused > 10, `${taken} taken, ${refused} refused`);
});

test.run();
