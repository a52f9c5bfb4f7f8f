/**
 * nengi 2 in `snapshot`: an instance with a user for each viewer, whose sockets keep the last frame. `nengi-aabb` is its spatial channel, which
 * looks at each entity for each user; `nengi` is the same with a channel that asks our index of cells, the best that one may make of it.
 */
import type { Params } from "./operation.js";
import { load } from "./peers.js";
import type { Publisher } from "./snapshot.js";
import { CELL, CellIndex, type Crowd, framesOf, type Known, STEPS_PER_UNIT, VIEW_RADIUS } from "./snapshot-world.js";

/** Where the types of entities that are the user's begin. */
const PLAYER = 1;
const SIDE = CELL * STEPS_PER_UNIT;

interface Entity extends Known {
  nid: number;
  ntype: number;
  id: number;
  kind: number;
  team: number;
  state: number;
  level: number;
}

interface View {
  x: number;
  y: number;
  halfWidth: number;
  halfHeight: number;
}

interface User {
  id: number;
  lastReceivedClientTick: number;
  socket: { frame: Buffer };
  instance: unknown;
}

interface Channel {
  addEntity(entity: Entity): void;
  subscribe(user: User, view: View): void;
  getVisibileEntities(userId: number): number[];
}

interface Instance {
  localState: unknown;
  users: Map<number, User>;
  registerChannel(channel: Channel): void;
  step(): void;
}

interface Snapshot {
  updateEntities: { nid: number; prop: "x"; value: number }[];
  deleteEntities: number[];
}

interface ClientNetwork {
  entities: Map<number, Entity>;
  snapshots: Snapshot[];
  readSnapshot(reader: unknown): void;
}

interface Nengi {
  Instance: new (context: unknown) => Instance;
  Context: new () => { register(ntype: number, schema: unknown): void };
  ChannelAABB2D: new (localState: unknown) => Channel;
  Client: new (context: unknown, adapter: new () => object, rate: number) => { network: ClientNetwork };
  User: new (socket: object, adapter: object) => User;
  Binary: Record<"UInt8" | "UInt16" | "Int32", number>;
  defineSchema(fields: Record<string, number>): unknown;
}

interface Buffers {
  BufferWriter: { create(size: number): { buffer: Buffer } };
  BufferReader: new (buffer: Buffer) => unknown;
}

export async function nengi(channelKind: "grid" | "aabb", crowd: Crowd, params: Params): Promise<Publisher> {
  const { Instance, Context, ChannelAABB2D, Client, User, Binary, defineSchema } = await load<Nengi>("nengi");
  const { BufferWriter, BufferReader } = await load<Buffers>("nengi-buffers");
  const { n } = crowd;
  const context = new Context();
  const fields = {
    ...{ id: Binary.UInt16, x: Binary.UInt16, y: Binary.UInt16, hp: Binary.Int32 },
    ...{ kind: Binary.UInt16, team: Binary.UInt8, state: Binary.UInt8, level: Binary.UInt16 },
  };
  context.register(PLAYER, defineSchema(fields));
  const instance = new Instance(context);
  const channel = new ChannelAABB2D(instance.localState);
  instance.registerChannel(channel);

  const entities = Array.from({ length: n }, (_, i): Entity => {
    const [x, y, hp, kind, team] = [crowd.x[i]!, crowd.y[i]!, crowd.hp[i]!, crowd.kind[i]!, crowd.team[i]!];
    const entity = {
      nid: 0,
      ntype: PLAYER,
      id: i,
      x,
      y,
      hp,
      kind,
      team,
      state: crowd.state[i]!,
      level: crowd.level[i]!,
    };
    channel.addEntity(entity);
    return entity;
  });

  let bytes = 0;
  const adapter = {
    createBufferWriter: (size: number) => BufferWriter.create(size),
    send(user: User, frame: Buffer) {
      user.socket.frame = frame;
      bytes += frame.length;
    },
  };
  const users = Array.from({ length: framesOf(params) }, (_, i) => {
    const user = new User({ frame: Buffer.alloc(0) }, adapter);
    user.id = i + 1;
    user.lastReceivedClientTick = 1;
    user.instance = instance;
    instance.users.set(user.id, user);
    return user;
  });
  const views = users.map((user) => {
    const view = { x: 0, y: 0, halfWidth: 0, halfHeight: 0 };
    channel.subscribe(user, view);
    return view;
  });

  const index = new CellIndex(crowd);
  const found = new Uint16Array(n);
  if (channelKind === "grid") {
    channel.getVisibileEntities = (userId) => {
      const count = index.around(userId - 1, found);
      const nids = new Array<number>(count);
      for (let k = 0; k < count; k++) nids[k] = entities[found[k]!]!.nid;
      return nids;
    };
  }

  const readers = users.map(() => new Client(context, class {}, 20).network);
  return {
    take() {
      for (let i = 0; i < n; i++) {
        const entity = entities[i]!;
        entity.x = crowd.x[i]!;
        entity.y = crowd.y[i]!;
        entity.hp = crowd.hp[i]!;
        entity.state = crowd.state[i]!;
      }
      for (let viewer = 0; viewer < views.length; viewer++) surround(views[viewer]!, crowd, viewer);
    },
    publish() {
      bytes = 0;
      if (channelKind === "grid") index.rebuild();
      instance.step();
      return bytes;
    },
    read: (viewer) => apply(readers[viewer]!, new BufferReader(users[viewer]!.socket.frame)),
  };
}

/** The cells that a viewer sees, as a box: its own is left and top inclusive, and so are cells. */
function surround(view: View, { x, y }: Crowd, viewer: number): void {
  view.halfWidth = view.halfHeight = (VIEW_RADIUS + 0.5) * SIDE;
  view.x = (Math.floor(x[viewer]! / SIDE) + 0.5) * SIDE;
  view.y = (Math.floor(y[viewer]! / SIDE) + 0.5) * SIDE;
}

/** The network of a client reads; what it reads is applied by an interpolator, later. Here at once. */
function apply(network: ClientNetwork, reader: unknown): ReadonlyMap<number, Known> {
  network.readSnapshot(reader);
  for (const { updateEntities, deleteEntities } of network.snapshots.splice(0)) {
    for (const { nid, prop, value } of updateEntities) network.entities.get(nid)![prop] = value;
    for (const nid of deleteEntities) network.entities.delete(nid);
  }
  return new Map(Array.from(network.entities.values(), (entity) => [entity.id, entity]));
}
