/**
 * Mutations of what comes over the wire, both ways, from seeds: of snapshot frames against the decoder, and of clients' messages against the parser
 * and a server's session. What is found wrong is thrown with the seed, the number of the try and the bytes.
 */
import { GyreError } from "../../src/errors.js";
import { defineGame } from "../../src/game/define.js";
import { loadKernel } from "../../src/kernel/load.js";
import { CLIENT_MESSAGE_BYTES_MAX, parseClientMessage } from "../../src/protocol/control.js";
import type { SnapshotDecoder } from "../../src/protocol/snapshot-decoder.js";
import { Random } from "./random.js";
import { Guest, Room } from "./room.js";
import { SCRAPS } from "./scraps.js";
import { COLUMNS, SMALL, STREAM_FAR, STREAM_NEAR, STREAM_NORMAL, Stage } from "./stage.js";
import { WireReader } from "./wire-reader.js";
import { hex } from "./wire-text.js";

// Frames.

export const CAPACITY = 24;
/** Frames of a stream, of which each is tried, mutated, on a decoder that has read those before it. */
const FRAMES = 12;
/** Tries of one frame before the next. */
const TRIES_EACH = 512;
/** Tries of which one is held against the reader of the page alone, which is slow. */
const COMPARED_EACH = 64;

function wander(stage: Stage, random: Random): void {
  const { world } = stage;
  for (let slot = 0; slot < CAPACITY; slot++) {
    const dice = random.below(100);
    const [x, y] = [random.below(96 * 16) / 16, random.below(64 * 16) / 16];
    if (!world.isAlive(slot)) {
      if (dice < 30) stage.spawn(slot, x, y);
    } else if (dice < 4) world.despawn(slot);
    else if (dice < 10) stage.set("x", slot, x);
    else if (dice < 60) {
      stage.set("x", slot, Math.min(96, world.column("x")[slot]! + (slot % 3)));
      stage.set("y", slot, Math.max(0, world.column("y")[slot]! - random.below(3) / 4));
    }
    if (dice % 10 === 0) stage.set("hp", slot, random.below(2 ** 32) | 0);
    if (dice % 10 === 1) stage.set("mood", slot, random.float());
    if (dice % 10 === 2) stage.set("mana", slot, random.below(100));
    if (dice % 10 === 3) stage.set("debt", slot, random.below(256));
    if (dice % 10 === 4) stage.set("mark", slot, random.below(2 ** 32));
    if (dice % 10 === 5) stage.set("team", slot, random.below(256));
  }
  world.entities[0] = random.below(8) === 0 ? 0 : world.column("id")[random.below(CAPACITY)]!;
}

export async function framesOf(stage: Stage, random: Random): Promise<Uint8Array[]> {
  const frames: Uint8Array[] = [];
  for (let n = 1; n <= FRAMES; n++) {
    wander(stage, random);
    if (n % 6 === 0) stage.view.watch(random.below(96), random.below(64), 96, 64);
    if (n % 6 === 3) stage.view.follow();
    const streams = STREAM_NORMAL | (n % 2 === 0 ? STREAM_NEAR : 0) | (n % 4 === 0 ? STREAM_FAR : 0);
    stage.take(2 * n, streams);
    // Some are missed, and some find no room.
    if (n % 5 === 4) continue;
    frames.push(stage.read(stage.compose(n, n % 7 === 0 ? 40 : 4096)));
  }
  return frames;
}

/** Some bits, bytes and lengths are others; rarely none. */
export function mutate(frame: Uint8Array, other: Uint8Array, random: Random, out: Uint8Array): Uint8Array {
  let size = frame.length;
  out.set(frame);
  const kind = random.below(8);
  if (kind === 0) size = random.below(size + 1);
  if (kind === 1) {
    const at = random.below(size);
    const count = Math.min(random.below(8), size - at);
    out.copyWithin(at, at + count, size);
    size -= count;
  }
  if (kind === 2) {
    const at = random.below(size);
    const count = 1 + random.below(8);
    out.copyWithin(at + count, at, size);
    size += count;
  }
  if (kind === 3) {
    const at = random.below(size);
    const from = random.below(other.length);
    const part = other.subarray(from, from + Math.min(size - at, random.below(32)));
    out.set(part, at);
  }
  for (let n = random.below(kind < 4 ? 2 : 4); n > 0 && size > 0; n--) {
    const at = random.below(size);
    if (random.below(3) > 0) out[at]! ^= 1 << random.below(8);
    else out[at] = random.below(256);
  }
  return out.subarray(0, size);
}

/** A number over all that a decoder knows, and that a refusal may not change. */
function checksum(decoder: SnapshotDecoder): number {
  let sum = decoder.tick;
  const mix = (value: number): void => {
    sum = (Math.imul(sum, 31) + value) | 0;
  };
  mix(decoder.ack);
  mix(decoder.otherBytes);
  mix(decoder.hashChecks);
  mix(decoder.you === null ? -1 : decoder.you.id + decoder.you.hp + decoder.you.x);
  for (const [cell, { members, stream, tick }] of decoder.cells) {
    mix(cell);
    mix(stream);
    mix(tick);
    for (const { record, x, y, dx, dy, words } of members) {
      mix(record.entity.id);
      mix(x ^ (y << 16));
      mix(dx ^ (dy << 16));
      for (let f = 0; f < words.length; f++) mix(words[f]!);
    }
  }
  for (const { id, x, y, hp } of decoder.entities.byId.values()) mix(id + 16 * x + 1024 * y + hp);
  mix(decoder.entities.between.size);
  return sum;
}

/** Throws unless what a decoder knows is of one piece. */
function checkConsistent({ cells, entities }: SnapshotDecoder): void {
  const must = (condition: boolean, what: string): void => {
    if (!condition) throw new Error(what);
  };
  const found = new Map<number, number>();
  for (const [number, cell] of cells) {
    let last = 0;
    for (const member of cell.members) {
      const { id } = member.record.entity;
      must(id > last, "ids ascend");
      last = id;
      must(member.cell === cell && member.record.members.includes(member), "a member is its cell's and its record's");
      must(entities.records.get(id) === member.record, "a member's record is known");
      const [left, top] = [512 * (number % 3), 512 * Math.floor(number / 3)];
      const isIn = member.x >= left && member.x <= left + 512 && member.y >= top && member.y <= top + 512;
      must(isIn, "a member is in its cell");
      found.set(id, (found.get(id) ?? 0) + 1);
    }
  }
  must(entities.byId.size === entities.records.size, "as many entities as records");
  for (const [id, record] of entities.records) {
    must(
      entities.byId.get(id) === record.entity && record.entity.id === id && record.isIn,
      "an entity is its record's",
    );
    must(record.members.length === (found.get(id) ?? 0), "a record has the members that there are");
    must(entities.between.has(record) === (record.members.length === 0), "who is in no cell is between");
    must((record.shown === null) === (record.members.length === 0), "who is in a cell is shown so");
    if (record.shown !== null) must(record.members.includes(record.shown), "what is shown is one of the members");
    for (const value of Object.values(record.entity)) must(Number.isFinite(value), "all is finite");
  }
}

export interface Tries {
  readonly tries: number;
  readonly refused: number;
  /** That the reader of the page alone took, or refused, like what is tried. */
  readonly compared: number;
}

/** A script of messages; each is told, mutated, many times to somebody who was told those before it as they are. */
export interface Round<S> {
  readonly length: number;
  /** The next tries are of message n. */
  reach?(n: number): void;
  /** Somebody for the next try of it. */
  ready?(n: number): Promise<void>;
  mutated(n: number): S;
  /** The k-th try of it. Throws what is wrong. */
  attempt(said: S, n: number, k: number): { isRefused: boolean; isCompared: boolean };
  /** Whatever came of it. */
  done?(): void;
  /** All tries of it are over. */
  pass(n: number): void;
  /** For who has to find out what was wrong. */
  text(said: S): string;
}

/** So many tries, `each` of a message. What is thrown says which one it was, and what was said. */
export async function eachTry<S>(
  seed: number,
  tries: number,
  each: number,
  begin: (random: Random, round: number) => Promise<Round<S>>,
): Promise<Tries> {
  const random = new Random(seed);
  let done = 0;
  let refused = 0;
  let compared = 0;
  for (let number = 0; done < tries; number++) {
    const round = await begin(random, number);
    for (let n = 0; n < round.length && done < tries; n++) {
      round.reach?.(n);
      for (let k = 0; k < each && done < tries; k++, done++) {
        await round.ready?.(n);
        const said = round.mutated(n);
        try {
          const { isRefused, isCompared } = round.attempt(said, n, k);
          if (isRefused) refused++;
          if (isCompared) compared++;
        } catch (error) {
          const where = `seed ${seed}, try ${done}, message ${n} of round ${number}: ${round.text(said)}`;
          throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
        } finally {
          round.done?.();
        }
      }
      round.pass(n);
    }
  }
  return { tries: done, refused, compared };
}

/** So many mutated frames against decoders that have read the frames before. */
export async function fuzzFrames(seed: number, tries: number): Promise<Tries> {
  const kernel = await loadKernel();
  const out = new Uint8Array(1 << 16);
  return eachTry(seed, tries, TRIES_EACH, async (random, round) => {
    const plan = { nearRadius: round % 2 === 0 ? 0 : -1, viewRadius: 1, farRadius: 1 + (round % 3) };
    const stage = new Stage(kernel, { capacity: CAPACITY, columns: COLUMNS, plan, hashEvery: 3 });
    const frames = await framesOf(stage, random);
    const reader = new WireReader({ ...SMALL, columns: COLUMNS });
    const upTo = (count: number): SnapshotDecoder => {
      const decoder = stage.makeDecoder();
      for (const frame of frames.slice(0, count)) decoder.decode(frame);
      return decoder;
    };
    let decoder = upTo(0);
    let known = 0;
    return {
      length: frames.length,
      reach(n) {
        decoder = upTo(n);
        known = checksum(decoder);
      },
      mutated: (n) => mutate(frames[n]!, random.pick(frames), random, out),
      attempt(bytes, n, k) {
        const isRefused = tryFrame(decoder, bytes, known);
        const isCompared = k % COMPARED_EACH === 0 || (!isRefused && k % 8 === 0);
        if (isCompared) compare(decoder, reader.fork(), bytes, isRefused);
        if (!isRefused) decoder = upTo(n);
        return { isRefused, isCompared };
      },
      pass: (n) => reader.read(frames[n]!),
      text: hex,
    };
  });
}

/** Whether it was refused. */
function tryFrame(decoder: SnapshotDecoder, bytes: Uint8Array, known: number): boolean {
  try {
    decoder.decode(bytes);
  } catch (error) {
    if (!(error instanceof GyreError) || error.code !== "BAD_FRAME") throw error;
    if (checksum(decoder) !== known) throw new Error("a refused frame changed something", { cause: error });
    return true;
  }
  checkConsistent(decoder);
  return false;
}

export function isRefusedBy(reader: WireReader, bytes: Uint8Array): boolean {
  try {
    reader.read(bytes);
    return false;
  } catch (error) {
    if (/breaks a rule/.test((error as Error).message)) return true;
    throw error;
  }
}

function compare(decoder: SnapshotDecoder, reader: WireReader, bytes: Uint8Array, isRefused: boolean): void {
  if (isRefused !== isRefusedBy(reader, bytes))
    throw new Error(`the decoder and the page's reader differ: ${isRefused}`);
  if (isRefused) return;
  const { byId, records } = decoder.entities;
  if (reader.shown.size !== byId.size) throw new Error(`${byId.size} and ${reader.shown.size} entities`);
  for (const [id, one] of reader.shown) {
    // Of two cells that say at once that they have it, any counts.
    if ((records.get(id)?.members.length ?? 0) > 1) continue;
    for (const [name, value] of Object.entries(one)) {
      if (byId.get(id)?.[name] !== value) throw new Error(`${name} of ${id} is ${byId.get(id)?.[name]} and ${value}`);
    }
  }
}

// Messages.

export const GOOD = [
  '{"type":"join","name":"ann","zone":"zone-0"}',
  '{"type":"input","seq":1,"dx":1,"dy":0,"action":"jump"}',
  '{"type":"input","seq":2,"dx":-0.5,"dy":1,"tick":70}',
  '{"type":"view","x0":0,"y0":0,"x1":100,"y1":100,"zone":"zone-0"}',
  '{"type":"ping","t":1}',
  '{"type":"leave"}',
  '{"type":"repair","cell":0}',
  '{"type":"resume","session":"0123456789abcdefghijkl"}',
];

/** Some characters are others, or are not there; rarely none. */
export function mangle(good: string, random: Random): string {
  let text = good;
  for (let n = random.below(4); n > 0; n--) {
    const at = random.below(text.length + 1);
    const kind = random.below(4);
    if (kind === 0) text = text.slice(0, at) + text.slice(at + 1 + random.below(4));
    else if (kind === 1) text = text.slice(0, at) + String.fromCharCode(random.below(256)) + text.slice(at + 1);
    else text = text.slice(0, at) + random.pick(SCRAPS) + text.slice(at + random.below(4));
  }
  return text;
}

/** Players who walk and jump, and nobody else. */
export const GAME = defineGame({
  name: "fuzzed",
  archetypes: { player: { speed: 120 } },
  actions: ["jump"],
  capacity: 64,
  join: (world) => world.spawn("player", 300, 300),
  input: (world, player, { action }) => {
    if (action !== 0) world.zone.columns.hp[world.zone.slot(player.entity)]!++;
  },
});

/** Messages that are said to a server as well as to the parser: one of so many. */
const SAID_EACH = 8;
/** Messages that a session says in a tick, and ticks until sessions are looked at. */
const SAID_PER_TICK = 8;

export interface MessageTries {
  readonly tries: number;
  readonly refused: number;
  /** To a server. */
  readonly said: number;
  /** Sessions that were closed for what they sent. */
  readonly closed: number;
}

/**
 * So many mutated messages against the parser, and some of them, those that it refuses and that are of a form that another one has, against the
 * session of a player. A twin of the server hears the good ones alone: it is the same, tick for tick.
 */
export async function fuzzMessages(seed: number, tries: number): Promise<MessageTries> {
  const random = new Random(seed);
  const rooms = [await Room.open({ game: GAME, seed }), await Room.open({ game: GAME, seed })] as const;
  const sat = rooms.map((room) => new Guest(room));
  for (const guest of sat) guest.send({ type: "join", name: "twin" });
  let [noisy, quiet] = [sat[0]!, sat[1]!];
  let refused = 0;
  let said = 0;
  let closed = 0;
  let seq = 0;
  const step = (): void => {
    seq++;
    for (const guest of [noisy, quiet]) {
      guest.send({ type: "input", seq, dx: (seq % 3) - 1, dy: (seq % 5) - 2 });
      guest.room.tick();
    }
    const [one, other] = rooms.map(({ zones }) => zones.all[0]!.hash());
    if (one !== other) throw new Error("what was refused had an effect on the world");
  };
  step();
  let text = "";
  let done = 0;
  try {
    for (; done < tries; done++) {
      text = mangle(random.pick(GOOD), random).slice(0, CLIENT_MESSAGE_BYTES_MAX);
      const isRefused = isBad(text);
      if (isRefused) refused++;
      if (!isRefused || done % SAID_EACH !== 0) continue;
      // As if time passed: the allowance is another test's.
      noisy.room.hub.nowMs += 10;
      const before = noisy.wire.texts.length;
      if (said++ % 257 === 256) {
        noisy.session.receiveBytes(text.length);
        if (noisy.wire.closedWith !== 1003) throw new Error(`a binary message closes with ${noisy.wire.closedWith}`);
        closed++;
        quiet.session.end();
        [noisy, quiet] = rooms.map((room) => new Guest(room)) as [Guest, Guest];
        for (const guest of [noisy, quiet]) guest.send({ type: "join", name: "twin" });
      } else {
        noisy.session.receiveText(text, text.length);
        const answers = noisy.wire.texts.slice(before).map((answer) => JSON.parse(answer));
        if (answers.length !== 1 || answers[0].type !== "error" || answers[0].code !== "BAD_MESSAGE") {
          throw new Error(`the answer is ${JSON.stringify(answers)}`);
        }
        if (noisy.wire.closedWith !== 0) throw new Error(`the session was closed with ${noisy.wire.closedWith}`);
      }
      noisy.wire.texts.length = noisy.wire.frames.length = 0;
      quiet.wire.texts.length = quiet.wire.frames.length = 0;
      if (said % SAID_PER_TICK === 0) step();
    }
    step();
  } catch (error) {
    const where = `seed ${seed}, try ${done}: ${JSON.stringify(text)}`;
    throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
  }
  for (const room of rooms) room.zones.close();
  return { tries: done, refused, said, closed };
}

/** Whether the parser refuses it. */
function isBad(text: string): boolean {
  try {
    parseClientMessage(text);
    return false;
  } catch (error) {
    if (error instanceof GyreError && error.code === "BAD_MESSAGE") return true;
    throw error;
  }
}
