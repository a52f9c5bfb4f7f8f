/** The players of `end-to-end`: sockets that say what the server's protocol asks for and count what comes. They decode nothing. */
import { Agent, request } from "node:http";
import { createConnection, type Socket } from "node:net";
import { maskedFrame, OPCODE } from "../src/load/frames.js";
import { FrameCounter, upgradeRequest } from "./frame-counter.js";

const { BINARY, PING, PONG, TEXT } = OPCODE;
const NO_BYTES = new Uint8Array(0);
/** Masks are for what lies between client and server: here is nothing. */
const NO_MASK = 0;

/** What a player got since the last reset. */
export class Tally {
  snapshots = 0;
  bytes = 0;
  gapsMs: number[] = [];
  #lastMs = 0;

  reset(): void {
    this.snapshots = 0;
    this.bytes = 0;
    this.gapsMs = [];
  }

  snapshot(nowMs: number): void {
    this.snapshots++;
    this.gapsMs.push(nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }

  /** The gap that is open now, so that who gets nothing any more counts as well. */
  end(nowMs: number): void {
    this.gapsMs.push(nowMs - this.#lastMs);
  }
}

export interface Player {
  readonly socket: Socket;
  readonly tally: Tally;
  /** Walk on in this direction: -100 to 100. */
  input(dx: number, dy: number): void;
}

/** Resolves once the player got its first snapshot. */
export type Join = (port: number, index: number) => Promise<Player>;

const HOST = "127.0.0.1";
const JOIN_LIMIT_MS = 60_000;

interface Dialogue {
  path: string;
  /** Sent when the socket opens. */
  hello?: Buffer;
  /** Whether a frame is a snapshot; it may answer. */
  isSnapshot(opcode: number, start: Uint8Array, answer: (frame: Buffer) => void): boolean;
  input(dx: number, dy: number): Buffer;
}

function play(port: number, { path, hello, isSnapshot, input }: Dialogue): Promise<Player> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, HOST);
    const tally = new Tally();
    const limit = setTimeout(() => fail(new Error("a player got no snapshot")), JOIN_LIMIT_MS);
    const fail = (error: Error): void => {
      clearTimeout(limit);
      socket.destroy();
      reject(error);
    };
    const answer = (frame: Buffer): void => void socket.write(frame);
    const pong = maskedFrame(PONG, NO_BYTES, NO_MASK);
    const player: Player = { socket, tally, input: (dx, dy) => void socket.write(input(dx, dy)) };
    const counter = new FrameCounter((opcode, _, start) => {
      // Who says nothing is closed.
      if (opcode === PING) answer(pong);
      if (!isSnapshot(opcode, start, answer)) return;
      tally.snapshot(performance.now());
      clearTimeout(limit);
      resolve(player);
    });
    socket.setNoDelay(true);
    socket.on("data", (chunk) => {
      tally.bytes += chunk.length;
      counter.read(chunk);
    });
    socket.on("error", fail);
    socket.on("close", () => fail(new Error("a player's socket was closed")));
    socket.write(upgradeRequest(path, HOST));
    // Frames that come with the request wait until it is answered.
    if (hello !== undefined) socket.write(hello);
  });
}

// gyre.

const SNAPSHOT = 1;

function textFrame(message: object): Buffer {
  return maskedFrame(TEXT, Buffer.from(JSON.stringify(message)), NO_MASK);
}

export const joinGyre: Join = (port, index) => {
  let seq = 0;
  return play(port, {
    path: "/ws",
    hello: textFrame({ type: "join", name: `p${index}` }),
    isSnapshot: (opcode, start) => opcode === BINARY && start[0] === SNAPSHOT,
    input: (dx, dy) => textFrame({ type: "input", seq: ++seq, dx: dx / 100, dy: dy / 100 }),
  });
};

// Colyseus: the first bytes of its messages, from @colyseus/shared-types.

const JOIN_ROOM = 10;
const ROOM_DATA = 13;
const ROOM_STATE = 14;
const ROOM_STATE_PATCH = 15;
/** The type of a message, as its schema writes texts, and a list of two i8 as MessagePack does. */
const INPUT = [ROOM_DATA, 0xa0 | 5, ...Buffer.from("input"), 0x92];
const I8 = 0xd0;

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

interface Seat {
  sessionId: string;
  processId: string;
  roomId: string;
}

/** A seat in a room, by its HTTP interface. */
function reserve(port: number): Promise<Seat> {
  return new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const path = "/matchmake/joinOrCreate/world";
    const asked = request({ host: HOST, port, path, method: "POST", headers, agent }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => {
        const seat = JSON.parse(text) as Partial<Seat>;
        if (seat.sessionId === undefined) reject(new Error(`no seat: ${text}`));
        else resolve(seat as Seat);
      });
    });
    asked.on("error", reject);
    asked.end("{}");
  });
}

export const joinColyseus: Join = async (port) => {
  const { sessionId, processId, roomId } = await reserve(port);
  return play(port, {
    path: `/${processId}/${roomId}?sessionId=${sessionId}`,
    isSnapshot(opcode, start, answer) {
      if (opcode !== BINARY) return false;
      if (start[0] === JOIN_ROOM) answer(maskedFrame(BINARY, Uint8Array.of(JOIN_ROOM), NO_MASK));
      return start[0] === ROOM_STATE || start[0] === ROOM_STATE_PATCH;
    },
    input: (dx, dy) => maskedFrame(BINARY, Uint8Array.from([...INPUT, I8, dx & 0xff, I8, dy & 0xff]), NO_MASK),
  });
};
