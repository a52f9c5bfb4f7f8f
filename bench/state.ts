/**
 * `state`: what does a sync of a room's small state cost, for n players? A clock runs, a tenth of the players score, two monsters of twenty are hit,
 * and a tenth of the players have something else in their own part. gyre sends what changed, encoded once for all and once for each of those;
 * @colyseus/schema what changed too, in a frame for each player; the others pack the room's state whole, once, and the whole own part of each of
 * those, as a server does that has no diffs. Bytes are those of a player and sync.
 *
 * Answers are what a reader, and the first player, know after it.
 */
import { FIRST_OWN, FIRST_SHARED, NO_SEAT, OWN, StateFeed, UPDATE } from "../src/state/feed.js";
import { JSON_TEXT, MSGPACK, PLAIN } from "../src/state/formats.js";
import { writeFirst } from "../src/state/frames.js";
import { StateMirror } from "../src/state/mirror.js";
import { Scopes } from "../src/state/scopes.js";
import { ByteSink } from "../src/state/sink.js";
import { unpack } from "../src/state/unpack.js";
import { type Contenders, HASH_START, mix, type Operation, type Params } from "./operation.js";
import { load } from "./peers.js";
import { colyseusState, type Own, type Room } from "./state-colyseus.js";

const MONSTERS = 20;
/** Players of whom one changes in a sync. */
const SHARE = 10;
/** Kinds of things in a bag. */
const THINGS = 12;

const DECLARATION = {
  broadcast: {
    phase: "day",
    secondsLeft: 0,
    scores: { "*": 0 },
    monsters: { "*": { hp: 0, name: "", x: 0, y: 0 } },
  },
  perPlayer: { quest: "", gold: 0, bag: { "*": { count: 0 } } },
};

const playerName = (i: number): string => `player-${i}`;
const chance = (turn: number, salt: number): number => mix(mix(HASH_START, turn), salt) >>> 0;

function setUp(room: Room, own: readonly Own[]): void {
  room.secondsLeft = 600;
  for (let i = 0; i < MONSTERS; i++) room.monsters[`monster-${i}`] = { hp: 300, name: "wolf", x: 16 * i, y: 8.5 };
  for (const [i, one] of own.entries()) {
    room.scores[playerName(i)] = 0;
    one.quest = `find the ${i}th stone`;
    for (let thing = 0; thing < THINGS; thing++) one.bag[`thing-${thing}`] = { count: thing };
  }
}

/** What happens between two syncs. */
function play(room: Room, own: readonly Own[], turn: number): void {
  room.secondsLeft = room.secondsLeft > 0 ? room.secondsLeft - 1 : 600;
  for (let i = 0; i < 2; i++) {
    const monster = room.monsters[`monster-${chance(turn, i) % MONSTERS}`];
    if (monster === undefined) continue;
    monster.hp = monster.hp > 10 ? monster.hp - 7 : 300;
    monster.x += 0.25;
  }
  for (let i = 0; i < Math.ceil(own.length / SHARE); i++) {
    const seat = chance(turn, 100 + i) % own.length;
    room.scores[playerName(seat)] = (room.scores[playerName(seat)] ?? 0) + 10;
    const one = own[chance(turn, 200 + i) % own.length];
    const thing = one?.bag[`thing-${chance(turn, 300 + i) % THINGS}`];
    if (one === undefined || thing === undefined) continue;
    thing.count++;
    one.gold += 3;
  }
}

/** Players whose own part changes in this turn: those that play changes. */
function changedSeats(n: number, turn: number): number[] {
  const seats = Array.from({ length: Math.ceil(n / SHARE) }, (_, i) => chance(turn, 200 + i) % n);
  return [...new Set(seats)];
}

/** Of the text of what somebody knows, with keys in order. */
function checksumOf(known: unknown): number {
  let hash = HASH_START;
  const text = JSON.stringify(known, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
  for (let i = 0; i < text.length; i++) hash = mix(hash, text.charCodeAt(i));
  return hash >>> 0;
}

function gyre({ n }: Params, format: number): Operation {
  const scopes = new Scopes(DECLARATION);
  const feed = new StateFeed(scopes);
  for (let seat = 0; seat < n; seat++) scopes.add(seat);
  const room = scopes.broadcast.view as Room;
  const own = Array.from({ length: n }, (_, seat) => scopes.own(seat)?.view as Own);
  setUp(room, own);
  for (let seat = 0; seat < n; seat++) feed.ask(seat, format);
  const mirror = new StateMirror(scopes.info);
  const parsed = (bytes: Uint8Array): unknown =>
    format === MSGPACK ? unpack(bytes) : JSON.parse(new TextDecoder().decode(bytes));
  let sent: { kind: number; seat: number; bytes: Uint8Array; count: number }[] = [];
  let tick = 0;
  const sync = (): void => {
    feed.sync(++tick, ({ kind, seat, patches }) => {
      // As who sends them keeps them, until the sockets have them.
      sent.push({ kind, seat, bytes: new Uint8Array(patches.bytes), count: patches.count });
      return true;
    });
  };
  sync();
  const shared = sent.find(({ kind }) => kind === FIRST_SHARED);
  const first = sent.find(({ kind, seat }) => kind === FIRST_OWN && seat === 0);
  const sink = new ByteSink();
  if (shared !== undefined && first !== undefined) writeFirst(sink, format !== MSGPACK, first, shared, []);
  mirror.apply(parsed(sink.bytes));
  return {
    prepare(turn) {
      sent = [];
      play(room, own, turn);
    },
    run: sync,
    checksum() {
      for (const { kind, seat, bytes } of sent) {
        if ((kind === UPDATE && seat === NO_SEAT) || (kind === OWN && seat === 0)) mirror.apply(parsed(bytes));
      }
      return checksumOf([mirror.broadcast, mirror.own]);
    },
    bytes: () => sent.reduce((sum, { seat, bytes }) => sum + bytes.length / (seat === NO_SEAT ? 1 : n), 0),
  };
}

/** Whole, each time. */
function whole<T extends { length: number }>(
  { n }: Params,
  pack: (value: unknown) => T,
  parsed: (packed: T) => unknown,
): Operation {
  const room: Room = { phase: "day", secondsLeft: 0, scores: {}, monsters: {} };
  const own: Own[] = Array.from({ length: n }, () => ({ quest: "", gold: 0, bag: {} }));
  setUp(room, own);
  let changed: number[] = [];
  let packed: T[] = [];
  let first = JSON.parse(JSON.stringify(own[0])) as unknown;
  return {
    prepare(turn) {
      play(room, own, turn);
      changed = changedSeats(n, turn);
    },
    run() {
      packed = [pack(room)];
      for (const seat of changed) packed.push(pack(own[seat]));
    },
    checksum() {
      const at = changed.indexOf(0);
      if (at >= 0) first = parsed(packed[at + 1] as T);
      return checksumOf([parsed(packed[0] as T), first]);
    },
    bytes: () => packed.reduce((sum, one, i) => sum + one.length / (i === 0 ? 1 : n), 0),
  };
}

interface MessagePackR {
  pack(value: unknown): Uint8Array;
  unpack(bytes: Uint8Array): unknown;
}

export const STATE_VARIANTS = ["gyre", "gyre-json", "gyre-plain", "@colyseus/schema", "json-stringify", "msgpackr"];

export const stateContenders: Contenders = {
  gyre: (params) => gyre(params, MSGPACK),
  "gyre-json": (params) => gyre(params, JSON_TEXT),
  "gyre-plain": (params) => gyre(params, PLAIN),
  "@colyseus/schema": (params) => colyseusState(params, { setUp, play, checksumOf }),
  "json-stringify": (params) => whole(params, JSON.stringify, JSON.parse),
  msgpackr: async (params) => {
    const { pack, unpack } = await load<MessagePackR>("msgpackr");
    return whole(params, pack, unpack);
  },
};
