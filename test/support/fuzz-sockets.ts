/**
 * Mutations of the bytes that a client writes into its socket, from seeds: of frames of RFC 6455, their heads, masks, lengths and fragments, against
 * the sockets of a server. A reading of the page alone (client-stream.ts) says what of it is a message, and what the server closes with; a twin of the server,
 * whose guests are in memory, is told just these messages. Both worlds are the same after each tick, what is answered is, and others stay.
 * What is found wrong is thrown with the seed, the number of the try and the bytes.
 */
import { OPCODE } from "../../src/load/frames.js";
import { NetServer } from "../../src/net/server.js";
import { CLIENT_MESSAGE_BYTES_MAX } from "../../src/protocol/control.js";
import { ClientStream, type Heard } from "./client-stream.js";
import { GAME, GOOD, mangle, mutate } from "./fuzz.js";
import { Random } from "./random.js";
import { RawSocket } from "./raw-socket.js";
import { Guest, Room } from "./room.js";
import { until } from "./until.js";
import { hex } from "./wire-text.js";

/** Milliseconds from try to try, on the server's clock: so much may be said that the allowance is another test's. */
const TRY_MS = 250;
/** Of a connection that ended without a close frame. */
const CLOSED_ABNORMALLY = 1006;
/** Close codes after which a player is not waited for: see docs/wire.md, coming back. */
const GOODBYES: readonly number[] = [1000, 1001, 1005];
const FIN = 0x80;
const MASK = 0x80;

/** A frame as a client sends it, or as it must not: head is the first byte, form says how many bytes the length has, at least. */
function frameOf(head: number, payload: Uint8Array, random: Random, form = 0): Buffer {
  const size = payload.length;
  const isShort = size < 126 && form === 0;
  const isMiddle = !isShort && size < 65_536 && form < 2;
  const length = Buffer.alloc(isShort ? 0 : isMiddle ? 2 : 8);
  if (isMiddle) length.writeUInt16BE(size);
  else if (!isShort) length.writeBigUInt64BE(BigInt(size));
  const mask = Buffer.alloc(4);
  mask.writeUInt32BE(random.next());
  const masked = Uint8Array.from(payload, (byte, i) => byte ^ mask[i & 3]!);
  return Buffer.concat([Buffer.of(head, MASK | (isShort ? size : isMiddle ? 126 : 127)), length, mask, masked]);
}

function noise(size: number, random: Random): Buffer {
  return Buffer.from(Array.from({ length: size }, () => random.below(256)));
}

function textFrame(random: Random): Buffer {
  const text = random.below(2) === 0 ? random.pick(GOOD) : mangle(random.pick(GOOD), random);
  const payload = Buffer.from(text).subarray(0, CLIENT_MESSAGE_BYTES_MAX);
  return frameOf(FIN | OPCODE.TEXT, payload, random, random.below(16) === 0 ? random.below(3) : 0);
}

/** A text in pieces, of which some may be empty, with other frames between. */
function fragments(random: Random): Buffer {
  const payload = Buffer.from(random.pick(GOOD));
  const count = 2 + random.below(9);
  const frames: Buffer[] = [];
  for (let i = 0, at = 0; i < count; i++) {
    const end = i === count - 1 ? payload.length : at + random.below(payload.length - at + 1);
    const head = (i === 0 ? OPCODE.TEXT : OPCODE.CONTINUED) | (i === count - 1 ? FIN : 0);
    frames.push(frameOf(head, payload.subarray(at, end), random));
    at = end;
    if (random.below(8) === 0) frames.push(control(random));
  }
  return Buffer.concat(frames);
}

function control(random: Random): Buffer {
  return frameOf(FIN | random.pick([OPCODE.PING, OPCODE.PONG]), noise(random.below(126), random), random);
}

function closing(random: Random): Buffer {
  const code = Buffer.alloc(2);
  code.writeUInt16BE(
    random.pick([1000, 1001, 1002, 1004, 1006, 1011, 1015, 2999, 3000, 4000, 5000, random.below(65_536)]),
  );
  const reason = random.below(2) === 0 ? Buffer.from("é") : noise(random.below(4), random);
  return frameOf(FIN | OPCODE.CLOSE, Buffer.concat([code, reason]).subarray(0, random.below(6)), random);
}

/** Around the most bytes that a message may have, or with a length that no frame has. */
function long(random: Random): Buffer {
  const text = '{"type":"ping","t":1}'.padEnd(CLIENT_MESSAGE_BYTES_MAX - 1 + random.below(3));
  const frame = frameOf(FIN | OPCODE.TEXT, Buffer.from(text), random, 2);
  if (random.below(2) === 0) frame.writeUInt32BE(random.pick([1, 0x1f_ffff, 0x20_0000, 0x8000_0000, random.next()]), 2);
  return frame;
}

/** What a client says at a time. */
function utterance(random: Random, out: Uint8Array): Buffer {
  const frames = Array.from({ length: 1 + random.below(3) }, () => {
    const dice = random.below(32);
    if (dice < 14) return textFrame(random);
    if (dice < 20) return fragments(random);
    if (dice < 24) return control(random);
    if (dice === 24) return closing(random);
    if (dice === 25) return long(random);
    if (dice === 26) return frameOf(FIN | OPCODE.BINARY, noise(random.below(200), random), random);
    if (dice === 27) return frameOf(FIN | OPCODE.TEXT, noise(random.below(200), random), random);
    if (dice === 28) return frameOf(random.below(256), noise(random.below(140), random), random);
    return textFrame(random);
  });
  const said = Buffer.concat(frames);
  return random.below(2) === 0 ? said : Buffer.from(mutate(said, random.pick(frames), random, out));
}

export interface SocketTries {
  readonly tries: number;
  /** Texts, pings and pongs that were heard in them. */
  readonly heard: number;
  /** Connections that ended. */
  readonly closed: number;
  /** How many of them by code; 1006 for those that ended amid a frame. */
  readonly codes: Readonly<Record<number, number>>;
}

/** A client of the server with sockets, and its twin. */
class Pair {
  readonly stream = new ClientStream();
  readonly #quiet: Guest;
  readonly #socket: RawSocket;
  #pings: string[] = [];

  constructor(socket: RawSocket, quiet: Room) {
    this.#socket = socket;
    this.#quiet = new Guest(quiet);
  }

  /** What the twin was closed with. */
  get closedWith(): number {
    return this.#quiet.wire.closedWith;
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** Lets the twin hear what these bytes say. Returns what that was, and what the connection ends with; 0 if it goes on. */
  hear(bytes: Uint8Array): { heard: readonly Heard[]; code: number } {
    const heard = this.stream.feed(bytes);
    const { session, wire } = this.#quiet;
    let code = 0;
    for (const one of heard) {
      if (one.kind === "text") session.receiveText(one.text, one.size);
      else if (one.kind === "ping") {
        session.receivePing();
        this.#pings.push(one.payload.toString());
      } else if (one.kind === "pong") session.receivePong();
      else if (one.kind === "binary") {
        session.receiveBytes(one.size);
        code = 1003;
        if (wire.closedWith !== code) throw new Error(`a binary message closes the twin with ${wire.closedWith}`);
      } else {
        code = one.code;
        if (one.kind === "broken") session.broken(code);
        else if (GOODBYES.includes(code)) session.left();
        else session.lost();
      }
    }
    if (code === 0 && wire.closedWith !== 0) throw new Error(`the twin was closed with ${wire.closedWith}`);
    return { heard, code };
  }

  /** The connection ends within a frame. */
  end(): void {
    this.#socket.end();
    this.#quiet.session.lost();
  }

  /** Waits for the answer to all that was written, and compares it. */
  async compare(code: number): Promise<void> {
    const { texts, pongs } = this.#socket;
    // Where it is to be closed, the ping behind it is not to be answered.
    const due = this.#pings.length + (code === 0 ? 0 : 1);
    await this.#socket.when("an answer comes", () => this.#socket.closedWith !== 0 || pongs.length >= due);
    const { closedWith } = this.#socket;
    if (closedWith !== code) throw new Error(`the server closes with ${closedWith}, where ${code} is due`);
    const expected = JSON.stringify([this.#quiet.wire.texts, this.#pings]);
    const found = JSON.stringify([texts, pongs]);
    if (found !== expected) throw new Error(`the server answers ${found}, its twin ${expected}`);
    this.#quiet.wire.texts.length = this.#quiet.wire.frames.length = this.#quiet.wire.messages.length = 0;
    this.#pings.length = texts.length = pongs.length = 0;
  }
}

/** So many utterances, one after the other on a connection until it ends. */
export async function fuzzSockets(seed: number, tries: number): Promise<SocketTries> {
  const random = new Random(seed);
  const rooms = [await Room.open({ game: GAME, seed }), await Room.open({ game: GAME, seed })] as const;
  const [noisy, quiet] = rooms;
  const net = new NetServer({ hub: noisy.hub, zones: noisy.zones, pages: new Map(), sessionsMax: 1000, answers: {} });
  const url = `ws://127.0.0.1:${await net.listen("127.0.0.1", 0)}/ws`;
  const out = new Uint8Array(1 << 16);
  const codes: Record<number, number> = {};
  let closed = 0;
  let heardCount = 0;
  let done = 0;
  let seq = 0;
  let said: Uint8Array = out;

  const come = async (name: string): Promise<Pair> => {
    const pair = new Pair(await RawSocket.open(url), quiet);
    const text = Buffer.from(JSON.stringify({ type: "join", name }));
    const join = frameOf(FIN | OPCODE.TEXT, text, random);
    pair.write(join);
    pair.hear(join);
    return pair;
  };
  const stays = await come("stays");
  /** It walks, and is answered. */
  const walk = async (): Promise<void> => {
    const input = JSON.stringify({ type: "input", seq: ++seq, dx: (seq % 3) - 1, dy: (seq % 5) - 2 });
    const bytes = Buffer.concat([
      frameOf(FIN | OPCODE.TEXT, Buffer.from(input), random),
      frameOf(FIN | OPCODE.PING, Buffer.from(String(seq)), random),
    ]);
    stays.write(bytes);
    stays.hear(bytes);
    await stays.compare(0);
  };
  const step = (): void => {
    for (const room of rooms) {
      room.nowMs += TRY_MS;
      room.tick();
    }
    const [one, other] = rooms.map(({ hub, zones }) => {
      const { refused, closed: closes } = hub.counters;
      const counts = [hub.sessions, hub.resumption.count, [...refused], [...closes]];
      return `${zones.all[0]!.hash()} ${JSON.stringify(counts)}`;
    });
    if (one !== other) throw new Error(`the server is ${one}, its twin ${other}`);
  };

  try {
    let pair: Pair | null = null;
    for (; done < tries; done++) {
      pair ??= await come(`p${done}`);
      said = utterance(random, out);
      const ping = frameOf(FIN | OPCODE.PING, Buffer.from(`try ${done}`), random);
      const cut = random.below(4) === 0 ? random.below(said.length + 1) : 0;
      const open = noisy.hub.sessions - noisy.hub.resumption.count;
      if (cut > 0) {
        pair.write(said.subarray(0, cut));
        await new Promise((resolve) => setImmediate(resolve));
      }
      pair.write(Buffer.concat([said.subarray(cut), ping]));
      const { heard, code } = pair.hear(Buffer.concat([said, ping]));
      heardCount += heard.length;
      const last = heard.at(-1);
      // The ping may have been taken for the end of something else.
      if (code === 0 && pair.stream.isBetween && last?.kind !== "ping") {
        pair.write(ping);
        pair.hear(ping);
      }
      const isCut = code === 0 && !pair.stream.isBetween;
      if (isCut) pair.end();
      else await pair.compare(code);
      if (isCut || code !== 0) {
        await until("the server knows", () => noisy.hub.sessions - noisy.hub.resumption.count < open);
        const why = isCut ? CLOSED_ABNORMALLY : code;
        codes[why] = (codes[why] ?? 0) + 1;
        closed++;
        pair = null;
      }
      if (done % 4 === 0) await walk();
      step();
    }
    await walk();
  } catch (error) {
    const where = `seed ${seed}, try ${done}: ${hex(said)}`;
    throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
  } finally {
    await net.close(true);
    for (const room of rooms) room.zones.close();
  }
  return { tries: done, heard: heardCount, closed, codes };
}
