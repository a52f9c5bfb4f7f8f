/**
 * @colyseus/schema in `state`: the room's part once for all, and each player's own part behind a StateView of its own, as a room sends them: a frame
 * for each player in each sync. Changes are written into the schema before the clock runs, so what it costs to track them does not count here.
 */
import type { Operation, Params } from "./operation.js";
import { load } from "./peers.js";

export interface Room {
  phase: string;
  secondsLeft: number;
  scores: Record<string, number>;
  monsters: Record<string, { hp: number; name: string; x: number; y: number }>;
}

export interface Own {
  quest: string;
  gold: number;
  bag: Record<string, { count: number }>;
}

/** What happens in the room, and what its readers have to know after it: the same for every contender. */
export interface Story {
  setUp(room: Room, own: readonly Own[]): void;
  play(room: Room, own: readonly Own[], turn: number): void;
  checksumOf(known: unknown): number;
}

interface MapOf<T> {
  get(key: string): T | undefined;
  set(key: string, value: T): void;
  toJSON(): Record<string, T>;
}
type Live<T> = T & { toJSON(): T };
type LiveMonster = Live<Room["monsters"][string]>;
type LiveThing = Live<Own["bag"][string]>;
interface LiveOwn {
  quest: string;
  gold: number;
  bag: MapOf<LiveThing>;
  toJSON(): Own;
}
interface LiveRoom {
  phase: string;
  secondsLeft: number;
  scores: MapOf<number>;
  monsters: MapOf<LiveMonster>;
  players: MapOf<LiveOwn>;
}

interface Iterator {
  offset: number;
}
interface Schema {
  schema<T>(fields: object, name: string): new () => T;
  t: { map(of: unknown): { view(): object } } & Record<
    "string" | "uint16" | "uint32" | "int32" | "float32",
    () => object
  >;
  Encoder: {
    new (
      state: LiveRoom,
    ): {
      encodeAll(it: Iterator): Uint8Array;
      encodeAllView(view: object, sharedOffset: number, it: Iterator): Uint8Array;
      encode(it: Iterator): Uint8Array;
      encodeView(view: object, sharedOffset: number, it: Iterator): Uint8Array;
      discardChanges(): void;
    };
    BUFFER_SIZE: number;
  };
  Decoder: new (state: LiveRoom) => { state: LiveRoom; decode(bytes: Uint8Array): void };
  StateView: new () => { add(own: LiveOwn): void };
}

export async function colyseusState({ n }: Params, { setUp, play, checksumOf }: Story): Promise<Operation> {
  const { schema, t, Encoder, Decoder, StateView } = await load<Schema>("@colyseus/schema");
  const Monster = schema<LiveMonster>({ hp: t.int32(), name: t.string(), x: t.float32(), y: t.float32() }, "Monster");
  const Thing = schema<LiveThing>({ count: t.uint16() }, "Thing");
  const Player = schema<LiveOwn>({ quest: t.string(), gold: t.uint32(), bag: t.map(Thing) }, "Player");
  const World = schema<LiveRoom>(
    {
      ...{ phase: t.string(), secondsLeft: t.uint16(), scores: t.map("uint32"), monsters: t.map(Monster) },
      players: t.map(Player).view(),
    },
    "World",
  );
  Encoder.BUFFER_SIZE = (1 << 16) + 2048 * n;
  const room: Room = { phase: "day", secondsLeft: 0, scores: {}, monsters: {} };
  const own: Own[] = Array.from({ length: n }, () => ({ quest: "", gold: 0, bag: {} }));
  setUp(room, own);
  const live = new World();
  const players = own.map((_, seat) => {
    const player = new Player();
    live.players.set(String(seat), player);
    return player;
  });
  const write = (): void => {
    live.phase = room.phase;
    live.secondsLeft = room.secondsLeft;
    for (const [name, score] of Object.entries(room.scores)) {
      if (live.scores.get(name) !== score) live.scores.set(name, score);
    }
    for (const [name, monster] of Object.entries(room.monsters)) put(live.monsters, name, monster, Monster);
    for (const [seat, { quest, gold, bag }] of own.entries()) {
      const player = players[seat]!;
      player.quest = quest;
      player.gold = gold;
      for (const [name, thing] of Object.entries(bag)) put(player.bag, name, thing, Thing);
    }
  };
  write();

  const encoder = new Encoder(live);
  const views = players.map((player) => {
    const view = new StateView();
    view.add(player);
    return view;
  });
  const made = new Array<Uint8Array>(n);
  const reader = new Decoder(new World());
  const all = { offset: 0 };
  encoder.encodeAll(all);
  const allShared = all.offset;
  for (let seat = 0; seat < n; seat++) made[seat] = encoder.encodeAllView(views[seat]!, allShared, all);
  reader.decode(made[0]!);
  encoder.discardChanges();
  return {
    prepare(turn) {
      play(room, own, turn);
      write();
    },
    run() {
      const it = { offset: 0 };
      encoder.encode(it);
      const sharedOffset = it.offset;
      for (let seat = 0; seat < n; seat++) made[seat] = encoder.encodeView(views[seat]!, sharedOffset, it);
      encoder.discardChanges();
    },
    checksum() {
      reader.decode(made[0]!);
      const { phase, secondsLeft, scores, monsters, players: known } = reader.state;
      const seen = { phase, secondsLeft, scores: scores.toJSON(), monsters: monsters.toJSON() };
      return checksumOf(JSON.parse(JSON.stringify([seen, known.get("0")?.toJSON()])));
    },
    bytes: () => made.reduce((sum, { length }) => sum + length, 0) / n,
  };
}

/** Only what changed is written, in place. */
function put<T extends object>(map: MapOf<Live<T>>, key: string, value: T, make: new () => Live<T>): void {
  const known = map.get(key);
  const target = known ?? new make();
  for (const name of Object.keys(value) as (keyof T)[]) {
    if (target[name] !== value[name]) (target as T)[name] = value[name];
  }
  if (known === undefined) map.set(key, target);
}
