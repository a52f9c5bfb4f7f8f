/**
 * @colyseus/schema in `snapshot`, as its documentation has it: a map of players, encoded once for everybody, or behind `.view()` with a
 * StateView for each viewer. Writing what changed into the schema is a part of its cost, since that is how it learns what changed; others
 * compare. Positions are uint16, the smallest type that holds them.
 */
import type { Params } from "./operation.js";
import { load } from "./peers.js";
import type { Publisher } from "./snapshot.js";
import { type Crowd, framesOf, type Known, Sights, seesAll } from "./snapshot-world.js";

interface Player extends Known {
  id: number;
  kind: number;
  team: number;
  state: number;
  level: number;
}

interface PlayerMap {
  set(key: string, player: Player): void;
  get(key: string): Player | undefined;
  values(): Iterable<Player>;
}

interface World {
  players: PlayerMap;
}

interface Iterator {
  offset: number;
}

interface StateView {
  add(player: Player): void;
  remove(player: Player): void;
}

interface Encoder {
  encodeAll(it: Iterator): Uint8Array;
  encodeAllView(view: StateView, sharedOffset: number, it: Iterator): Uint8Array;
  encode(it: Iterator): Uint8Array;
  encodeView(view: StateView, sharedOffset: number, it: Iterator): Uint8Array;
  discardChanges(): void;
}

interface Decoder {
  state: World;
  decode(bytes: Uint8Array): void;
}

interface Field {
  view(): Field;
}

interface Schema {
  schema<T>(fields: Record<string, Field>, name: string): new () => T;
  t: { map(of: unknown): Field } & Record<"uint8" | "uint16" | "int32", () => Field>;
  Encoder: { new (state: World): Encoder; BUFFER_SIZE: number };
  Decoder: new (state: World) => Decoder;
  StateView: new () => StateView;
}

export async function colyseus(crowd: Crowd, params: Params): Promise<Publisher> {
  const { schema, t, Encoder, Decoder, StateView } = await load<Schema>("@colyseus/schema");
  const { n } = crowd;
  const viewed = !seesAll(params);
  const Player = schema<Player>(
    {
      ...{ id: t.uint16(), x: t.uint16(), y: t.uint16(), hp: t.int32() },
      ...{ kind: t.uint16(), team: t.uint8(), state: t.uint8(), level: t.uint16() },
    },
    "Player",
  );
  const World = schema<World>({ players: viewed ? t.map(Player).view() : t.map(Player) }, "World");
  // Room for everything and for all views behind it, so that it never encodes twice.
  Encoder.BUFFER_SIZE = 64 * n + 8192 * framesOf(params);

  const world = new World();
  const encoder = new Encoder(world);
  const players = Array.from({ length: n }, (_, i) => {
    const player = new Player();
    player.id = i;
    assign(player, crowd, i);
    player.kind = crowd.kind[i]!;
    player.team = crowd.team[i]!;
    player.level = crowd.level[i]!;
    world.players.set(String(i), player);
    return player;
  });

  const frames = framesOf(params);
  const views = Array.from({ length: viewed ? frames : 0 }, () => new StateView());
  const sights = viewed ? new Sights(crowd, frames) : null;
  const readers = Array.from({ length: frames }, () => new Decoder(new World()));
  const made = new Array<Uint8Array>(frames).fill(new Uint8Array());
  let isFirst = true;

  const enters = (viewer: number, entity: number): void => views[viewer]!.add(players[entity]!);
  const leaves = (viewer: number, entity: number): void => void views[viewer]!.remove(players[entity]!);

  /** Who joins gets all there is to see. */
  function first(): number {
    const it = { offset: 0 };
    const all = encoder.encodeAll(it);
    const sharedOffset = it.offset;
    if (!viewed) made[0] = all.slice();
    for (let v = 0; v < views.length; v++) made[v] = encoder.encodeAllView(views[v]!, sharedOffset, it);
    return made.reduce((sum, { length }) => sum + length, 0);
  }

  function next(): number {
    for (let i = 0; i < n; i++) assign(players[i]!, crowd, i);
    const it = { offset: 0 };
    const shared = encoder.encode(it);
    const sharedOffset = it.offset;
    if (!viewed) made[0] = shared;
    let bytes = viewed ? 0 : shared.length;
    for (let v = 0; v < views.length; v++) {
      const frame = encoder.encodeView(views[v]!, sharedOffset, it);
      made[v] = frame;
      bytes += frame.length;
    }
    return bytes;
  }

  return {
    publish() {
      sights?.update(enters, leaves);
      const bytes = isFirst ? first() : next();
      encoder.discardChanges();
      isFirst = false;
      return bytes;
    },
    read(viewer) {
      const reader = readers[viewer]!;
      reader.decode(made[viewer]!);
      return new Map(Array.from(reader.state.players.values(), (player) => [player.id, player]));
    },
  };
}

function assign(player: Player, crowd: Crowd, i: number): void {
  player.x = crowd.x[i]!;
  player.y = crowd.y[i]!;
  player.hp = crowd.hp[i]!;
  player.state = crowd.state[i]!;
}
