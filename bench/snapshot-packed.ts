/**
 * Serializers without a notion of views in `snapshot`: bitECS, msgpackr with records, and JSON are given all of what a viewer sees, each time.
 * `bitecs-diff` has a serializer of differences for each viewer, which writes less and takes longer.
 */
import type { Params } from "./operation.js";
import { load } from "./peers.js";
import type { Publisher } from "./snapshot.js";
import { CellIndex, type Crowd, framesOf, type Known, Sights, seesAll } from "./snapshot-world.js";

/** Bytes of an entity, at most: 8 of header, 1 of mask and 16 of fields. */
const ENTITY_MAX = 32;

type Serialize = (entities: readonly number[]) => ArrayBuffer;

interface BitEcs {
  createSoASerializer(components: object[], options: { diff: boolean; buffer: ArrayBuffer }): Serialize;
  createSoADeserializer(components: object[], options: { diff: boolean }): (packet: ArrayBuffer) => void;
}

/** Components as bitECS wants them: arrays by entity. */
function componentsOf({ x, y, hp, kind, team, state, level }: Crowd): object {
  return { x, y, hp, kind, team, state, level };
}

function blank({ n }: Crowd): { x: Uint16Array; y: Uint16Array; hp: Int32Array } & Record<string, ArrayLike<number>> {
  return {
    ...{ x: new Uint16Array(n), y: new Uint16Array(n), hp: new Int32Array(n), kind: new Uint16Array(n) },
    ...{ team: new Uint8Array(n), state: new Uint8Array(n), level: new Uint16Array(n) },
  };
}

export async function bitecs(diff: boolean, crowd: Crowd, params: Params): Promise<Publisher> {
  const { createSoASerializer, createSoADeserializer } = await load<BitEcs>("bitecs/serialization");
  const buffer = new ArrayBuffer(ENTITY_MAX * crowd.n);
  const frames = framesOf(params);
  const serializers = Array.from({ length: frames }, () =>
    createSoASerializer([componentsOf(crowd)], { diff, buffer }),
  );
  const seen = Array.from({ length: frames }, () => new Set<number>());
  const left = Array.from({ length: frames }, (): number[] => []);
  const made = new Array<ArrayBuffer>(frames).fill(buffer);
  const sights = seesAll(params) ? null : new Sights(crowd, frames);
  if (sights === null) for (let i = 0; i < crowd.n; i++) seen[0]!.add(i);
  const enters = (viewer: number, entity: number): void => void seen[viewer]!.add(entity);
  const leaves = (viewer: number, entity: number): void => {
    seen[viewer]!.delete(entity);
    left[viewer]!.push(entity);
  };

  const readers = Array.from({ length: frames }, () => {
    const known = blank(crowd);
    return { known, deserialize: createSoADeserializer([known], { diff }) };
  });
  return {
    publish() {
      let bytes = 0;
      for (const list of left) list.length = 0;
      sights?.update(enters, leaves);
      for (let v = 0; v < frames; v++) {
        const packet = serializers[v]!([...seen[v]!]);
        made[v] = packet;
        // A count, and four bytes for each who left.
        bytes += packet.byteLength + 4 + 4 * left[v]!.length;
      }
      return bytes;
    },
    read(viewer) {
      const { known, deserialize } = readers[viewer]!;
      deserialize(made[viewer]!);
      // Its packets say what changed, not who is there; that is the list beside it.
      return new Map(Array.from(seen[viewer]!, (i) => [i, { x: known.x[i]!, y: known.y[i]!, hp: known.hp[i]! }]));
    },
  };
}

interface Thing extends Known {
  id: number;
  kind: number;
  team: number;
  state: number;
  level: number;
}

/** Lists of all that each viewer sees, packed one by one. */
function lists(
  crowd: Crowd,
  params: Params,
  { pack, unpack }: { pack(list: Thing[]): Buffer; unpack(packed: Buffer): Thing[] },
): Publisher {
  const { n } = crowd;
  const things = Array.from({ length: n }, (_, id): Thing => {
    const [kind, team, level] = [crowd.kind[id]!, crowd.team[id]!, crowd.level[id]!];
    return { id, x: 0, y: 0, hp: 0, kind, team, state: 0, level };
  });
  const frames = framesOf(params);
  const index = new CellIndex(crowd);
  const found = new Uint16Array(n);
  const made = new Array<Buffer>(frames).fill(Buffer.alloc(0));
  const listOf = (viewer: number): Thing[] => {
    if (seesAll(params)) return things;
    const count = index.around(viewer, found);
    const list = new Array<Thing>(count);
    for (let k = 0; k < count; k++) list[k] = things[found[k]!]!;
    return list;
  };
  return {
    take() {
      for (let i = 0; i < n; i++) {
        const thing = things[i]!;
        thing.x = crowd.x[i]!;
        thing.y = crowd.y[i]!;
        thing.hp = crowd.hp[i]!;
        thing.state = crowd.state[i]!;
      }
    },
    publish() {
      let bytes = 0;
      index.rebuild();
      for (let v = 0; v < frames; v++) {
        const packed = pack(listOf(v));
        made[v] = packed;
        bytes += packed.length;
      }
      return bytes;
    },
    read: (viewer) => new Map(unpack(made[viewer]!).map((thing) => [thing.id, thing])),
  };
}

export async function msgpackr(crowd: Crowd, params: Params): Promise<Publisher> {
  const { Packr } = await load<{
    Packr: new (options: object) => { pack(value: unknown): Buffer; unpack(packed: Buffer): Thing[] };
  }>("msgpackr");
  // Structures are kept from frame to frame, so that none says the names of a thing's fields.
  const packr = new Packr({ structures: [] });
  return lists(crowd, params, { pack: (list) => packr.pack(list), unpack: (packed) => packr.unpack(packed) });
}

export function json(crowd: Crowd, params: Params): Publisher {
  return lists(crowd, params, {
    pack: (list) => Buffer.from(JSON.stringify(list)),
    unpack: (packed) => JSON.parse(packed.toString()) as Thing[],
  });
}
