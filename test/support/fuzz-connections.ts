/**
 * Mutations of what a server says, from seeds, against a whole client: snapshots, binary and JSON, pieces of them, messages of a state tree and control
 * messages come to a connection over a socket in memory. It goes on, or closes with 4002 and says why, once; then it shows what it showed, or nothing
 * where it was told of another zone, and hears no more. What is found wrong is thrown with the seed, the number of the try and what was said.
 */
import { type Connection, connect } from "../../src/client.js";
import type { GyreError } from "../../src/errors.js";
import { loadKernel } from "../../src/kernel/load.js";
import { FORMAT_NAMES, MSGPACK } from "../../src/state/formats.js";
import { CAPACITY, eachTry, framesOf, isRefusedBy, mangle, mutate, type Tries } from "./fuzz.js";
import type { Random } from "./random.js";
import { ScriptedSocket, turned } from "./scripted-socket.js";
import { COLUMNS, SMALL, Stage } from "./stage.js";
import { StateRoom } from "./state-room.js";
import { WireReader } from "./wire-reader.js";
import { hex } from "./wire-text.js";

type Said = string | Uint8Array;

const CLOSE_BAD_DATA = 4002;
/** Tries of one message before the next. */
const TRIES_EACH = 8;
/** Tries of a binary snapshot of which one is held against the reader of the page alone, which is slow. */
const COMPARED_EACH = 2;
const RATES = { tick: 0, tickRate: 60, snapshotRate: 20 };

/** That a connection closes once is looked at, too. */
class Line extends ScriptedSocket {
  readonly closes: number[] = [];

  override close(code = 1005): void {
    this.closes.push(code);
  }

  tell(said: Said): void {
    if (typeof said === "string") this.sayText(said);
    else this.sayFrame(said);
  }
}

/** What a server says to one client, in order: of each format the tree's messages between snapshots, and what else there is. */
async function scriptOf(stage: Stage, format: number, random: Random): Promise<{ welcome: string; script: Said[] }> {
  const room = new StateRoom({ broadcast: { phase: "day", monsters: { "*": { hp: 0 } } }, perPlayer: { quest: "" } });
  const reader = room.join(0, format);
  room.syncOf(0).quest = "find the dragon";
  const zone = { name: "zone-0", ...SMALL, columns: COLUMNS, kinds: [], gates: [], sync: room.scopes.info };
  const welcome = (name: string, you: number): string =>
    JSON.stringify({ type: "welcome", you, ...RATES, session: "0123456789abcdefghijkl", zone: { ...zone, name } });
  const script: Said[] = [];
  const snapshots: Said[] = format === MSGPACK ? await framesOf(stage, random) : jsonSnapshots(random);
  for (const [i, snapshot] of snapshots.entries()) {
    script.push(snapshot);
    room.sync.phase = i % 2 === 0 ? "night" : "day";
    room.sync.monsters[`m${random.below(4)}`] = { hp: i };
    delete room.sync.monsters[`m${random.below(4)}`];
    if (i % 3 === 0) room.syncOf(0).quest = `quest ${i}`;
    room.feed.tell(i % 2 === 0 ? 0 : -1, "howl", `{"at":${i}}`);
    const { length } = reader.messages;
    room.step();
    for (const message of reader.messages.slice(length)) {
      script.push(format === MSGPACK ? message : new TextDecoder().decode(message));
    }
    if (i % 4 === 1) script.push(`{"type":"event","name":"horn","data":[${i},null,{"a":"b"}]}`);
    if (i % 4 === 2)
      script.push('{"type":"error","code":"COMMANDS_FULL","message":"full"}', '{"type":"pong","t":0,"tick":9}');
    if (i % 4 === 3) script.push(welcome("zone-0", 4097));
  }
  script.push(welcome("zone-1", 0));
  return { welcome: welcome("zone-0", 0), script };
}

/** As docs/wire.md has them: some enter, most of those change, some leave. */
function jsonSnapshots(random: Random): string[] {
  const known = new Set<number>();
  return Array.from({ length: 10 }, (_, i) => {
    const leave = [...known].filter(() => random.below(4) === 0);
    for (const id of leave) known.delete(id);
    const fields = (id: number): object => ({ id, x: random.below(96), y: random.below(64), hp: random.below(100) });
    const update = [...known].filter(() => random.below(2) === 0).map(fields);
    const ids = [4097 * (2 * i + 1), 4097 * (2 * i + 2)];
    const rest = { kind: 1, team: 2, state: 0, level: 1, mood: 0.5, mana: 0.25, debt: -1, mark: 7 };
    const enter = ids.map((id) => ({ ...fields(id), ...rest }));
    for (const id of ids) known.add(id);
    const own = { x: 1, y: 2, vx: 0, vy: 0, speed: 1, halfSize: 8, wishX: 0, wishY: 0, xp: 1, gold: 2, readyAt: 3 };
    const you = known.has(4097) ? { id: 4097, ...own, hp: 5, level: 1 } : null;
    return JSON.stringify({ type: "snapshot", tick: 3 * (i + 1), ack: i, you, enter, update, leave });
  });
}

/** The same, mutated; a binary one maybe in two pieces. */
function mutated(said: Said, other: Said, random: Random, out: Uint8Array): Said[] {
  if (typeof said === "string") return [mangle(said, random)];
  const others = typeof other === "string" ? said : other;
  if (random.below(4) > 0) return [mutate(said, others, random, out).slice()];
  const at = random.below(said.length + 1);
  const sort = (said[0] ?? 0) >= 0x80 ? 2 : 0;
  const pieces = [Uint8Array.of(2, sort, ...said.subarray(0, at)), Uint8Array.of(2, sort | 1, ...said.subarray(at))];
  const which = random.below(2);
  pieces[which] = mutate(pieces[which]!, others, random, out).slice();
  return pieces;
}

/** All that a connection shows. */
function shown({ zone, tick, ack, you, own, entities, state, ownState }: Connection): string {
  return JSON.stringify([zone.name, tick, ack, you, own, [...entities.values()], state, ownState]);
}

/** A connection that was told a part of a script, and what it says of itself. */
class Listener {
  readonly ends: { readonly code: number; readonly error: GyreError | null }[] = [];
  heard = 0;

  private constructor(
    readonly connection: Connection,
    readonly line: Line,
  ) {
    connection.on("close", (code, _reason, error) => this.ends.push({ code, error }));
    for (const event of ["snapshot", "state", "event", "zone", "you", "error"] as const) {
      connection.on(event, () => {
        this.heard++;
      });
    }
  }

  static async after(welcome: string, script: readonly Said[]): Promise<Listener> {
    const promise = connect("ws://host/ws", { name: "ann", WebSocket: Line, now: () => 0 });
    // Once it has made its socket.
    await Promise.resolve();
    const line = ScriptedSocket.last as Line;
    line.onopen?.({});
    line.tell(welcome);
    const listener = new Listener(await promise, line);
    await turned();
    for (const said of script) line.tell(said);
    if (listener.ends.length > 0) throw new Error(`what no one changed is refused: ${listener.ends[0]!.error}`);
    return listener;
  }

  /** Throws unless it goes on, or is at its end as it must be. Returns whether it is. */
  check(before: string, said: readonly Said[]): boolean {
    const { connection, line, ends } = this;
    const is = JSON.stringify([ends.map(({ code }) => code), line.closes, connection.isConnected]);
    if (ends.length === 0) {
      if (is !== "[[],[],true]") throw new Error(`it goes on, and is ${is}`);
      return false;
    }
    if (is !== JSON.stringify([[CLOSE_BAD_DATA], [CLOSE_BAD_DATA], false])) throw new Error(`it ended, and is ${is}`);
    const { error } = ends[0]!;
    const isControl = said.some((one) => typeof one === "string" && !/^(\[|\{"type":"snapshot")/.test(one));
    const codes = isControl ? ["BAD_MESSAGE", "BAD_ARGUMENT"] : ["BAD_FRAME"];
    if (!codes.includes(error?.code ?? "")) throw new Error(`it ended with ${error?.code}: ${error?.message}`);
    const after = shown(connection);
    if (after !== before && connection.entities.size > 0) throw new Error(`it shows ${after}, and showed ${before}`);
    return true;
  }
}

/** So many mutated messages, each to a connection that was told those before it as they are. */
export async function fuzzConnections(seed: number, tries: number): Promise<Tries> {
  const kernel = await loadKernel();
  const out = new Uint8Array(1 << 16);
  return eachTry(seed, tries, TRIES_EACH, async (random, round) => {
    const stage = new Stage(kernel, { capacity: CAPACITY, columns: COLUMNS, hashEvery: 3 });
    const { welcome, script } = await scriptOf(stage, round % FORMAT_NAMES.length, random);
    const reader = new WireReader({ ...SMALL, columns: COLUMNS });
    const isFrame = (said: Said | undefined): said is Uint8Array => said?.[0] === 1;
    let listener: Listener;
    let before = "";
    return {
      length: script.length,
      async ready(n) {
        listener = await Listener.after(welcome, script.slice(0, n));
        before = shown(listener.connection);
      },
      mutated: (n) => mutated(script[n]!, random.pick(script), random, out),
      attempt(said, n, k) {
        for (const one of said) listener.line.tell(one);
        const isRefused = listener.check(before, said);
        const [bytes] = said;
        const isCompared = isFrame(script[n]) && said.length === 1 && isFrame(bytes) && k % COMPARED_EACH === 0;
        if (isCompared && isRefused !== isRefusedBy(reader.fork(), bytes)) {
          throw new Error(`the connection and the page's reader differ: ${isRefused}`);
        }
        // What comes then is for nobody, or for one whose server and who differ: it ends at most once, and nothing is thrown.
        const { heard } = listener;
        for (const one of script.slice(n, n + 4)) listener.line.tell(one);
        if (isRefused && listener.heard !== heard) throw new Error("what has ended hears something");
        if (listener.ends.length > 1) throw new Error(`it ended ${listener.ends.length} times`);
        return { isRefused, isCompared };
      },
      done: () => listener.connection.close(),
      pass(n) {
        const said = script[n];
        if (isFrame(said)) reader.read(said);
      },
      text: (said) => said.map((one) => (typeof one === "string" ? one : hex(one))).join(" | "),
    };
  });
}
