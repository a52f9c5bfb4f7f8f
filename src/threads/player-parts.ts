/** The shared memory between the main thread's players and the zones: made by the main thread, handed to all as it is, opened by each end. */

import type { ModuleBuild } from "../kernel/instance.js";
import type { Replica, ReplicaHandle } from "../kernel/replica.js";
import { createReplica } from "../kernel/replica.js";
import { replicaSpec } from "../protocol/replica-spec.js";
import type { Rates } from "../sim/rates.js";
import { extentOf } from "../sim/world-spec.js";
import { worldSpec, type Zones, type ZonesSpec } from "../sim/zones.js";
import { MessageRing } from "../sync/messages.js";
import { SharedRing, type SharedRingShape } from "../sync/ring.js";
import { Desk } from "./desk.js";
import { ASLEEP, FigureTable } from "./figures.js";
import { NOTICE_RING_BYTES } from "./notices.js";
import { PLAYERS_MAX, PlayerTable } from "./players.js";
import type { RemoteZoneSpec } from "./remote-zone.js";
import { type Homes, RemoteZones } from "./remote-zones.js";
import { REQUEST_BYTES_MAX, REQUEST_RING_BYTES } from "./requests.js";

/** Requests that wait to be taken up by the slot that they were passed on to: those of a tick in which a crowd crosses. */
const PASSED_MAX = 4096;

/** Sizes that tests make small. */
export interface PlayerSizes {
  /** At a time. */
  readonly players: number;
  readonly requestRingBytes: number;
  readonly noticeRingBytes: number;
  readonly passed: number;
}

const SIZES: PlayerSizes = {
  players: PLAYERS_MAX,
  requestRingBytes: REQUEST_RING_BYTES,
  noticeRingBytes: NOTICE_RING_BYTES,
  passed: PASSED_MAX,
};

/** Passes through postMessage. */
export interface PlayerParts {
  readonly playersMax: number;
  readonly seatsMax: number;
  readonly players: SharedArrayBuffer;
  readonly figures: SharedArrayBuffer;
  readonly overruns: SharedArrayBuffer;
  /** By slot. */
  readonly requests: readonly SharedArrayBuffer[];
  readonly notices: readonly SharedArrayBuffer[];
  readonly passed: readonly SharedArrayBuffer[];
  /** By zone. */
  readonly replicas: readonly ReplicaHandle[];
}

/** What the main thread and the slots know of the zones of this spec. */
export function remoteZoneSpecs(spec: ZonesSpec): RemoteZoneSpec[] {
  return Array.from({ length: spec.zones }, (_, i) => {
    const world = worldSpec(spec, i);
    const { name, map, gates, zone, seats, streams, template = "", playersMax = seats, sync = null } = world;
    const replicated = world.replicated.map((column) => ({ ...column, type: zone.columns?.[column.name] ?? "u8" }));
    return { ...{ name, map, gates, template, playersMax, seats, streams, replicated, sync }, extent: extentOf(world) };
  });
}

/** build: of the replicas, shared for other threads, whatever steps the zones. Throws BAD_ARGUMENT for zones that nobody could be told of. */
export function makePlayerParts(
  slots: number,
  specs: readonly RemoteZoneSpec[],
  build: ModuleBuild,
  given: Partial<PlayerSizes> = {},
): { parts: PlayerParts; replicas: readonly Replica[] } {
  const sizes = { ...SIZES, ...given };
  const replicas = specs.map(({ extent, seats, replicated, streams }) =>
    createReplica(build, replicaSpec({ ...extent, seats, replicated }, streams)),
  );
  const shared = (bytes: number): SharedArrayBuffer => new SharedArrayBuffer(bytes);
  const figures = shared(FigureTable.bytesOf(specs.length));
  const table = new FigureTable(figures, specs.length);
  for (const [i, { template }] of specs.entries()) if (template !== "") table.setState(i, ASLEEP);
  const bySlot = (make: () => SharedArrayBuffer): SharedArrayBuffer[] => Array.from({ length: slots }, make);
  const parts: PlayerParts = {
    playersMax: sizes.players,
    seatsMax: specs.reduce((most, { seats }) => Math.max(most, seats), 0),
    players: shared(PlayerTable.bytesOf(sizes.players)),
    figures,
    overruns: shared(4 * slots),
    requests: bySlot(() => messageRing(sizes.requestRingBytes)),
    notices: bySlot(() => messageRing(sizes.noticeRingBytes)),
    passed: bySlot(() => passedRing(sizes.passed)),
    replicas: replicas.map(({ handle }) => handle),
  };
  return { parts, replicas };
}

/** The main thread's end. */
export function openRemoteZones(
  parts: PlayerParts,
  replicas: readonly Replica[],
  zones: readonly RemoteZoneSpec[],
  homes: Homes,
  actionOf: (name: string) => number,
): RemoteZones {
  const { requests, notices } = parts;
  return new RemoteZones({
    ...{ zones, replicas, homes, actionOf },
    ...openTables(parts),
    slots: requests.map((buffer, i) => ({
      requests: new MessageRing(buffer, 0),
      notices: new MessageRing(notices[i] ?? buffer, 0),
    })),
  });
}

/** The end of a slot. */
export function openDesk(parts: PlayerParts, slot: number, zones: Zones, homes: Homes, rates: Rates): Desk {
  const at = (buffers: readonly SharedArrayBuffer[]): SharedArrayBuffer => buffers[slot] ?? new SharedArrayBuffer(0);
  return new Desk({
    ...{ slot, zones, homes, rates },
    ...openTables(parts),
    requests: new MessageRing(at(parts.requests), 0),
    notices: new MessageRing(at(parts.notices), 0),
    passed: new SharedRing(at(parts.passed), 0),
    neighbours: parts.passed.map((buffer, i) => (i === slot ? undefined : new SharedRing(buffer, 0, slot))),
    replicas: parts.replicas,
    seatsMax: parts.seatsMax,
  });
}

function openTables({ players, playersMax, figures, replicas, overruns }: PlayerParts) {
  return {
    players: new PlayerTable(players, playersMax),
    figures: new FigureTable(figures, replicas.length),
    overruns: new Int32Array(overruns),
  };
}

function messageRing(capacity: number): SharedArrayBuffer {
  const buffer = new SharedArrayBuffer(MessageRing.bytesOf(capacity));
  MessageRing.init(buffer, 0, capacity);
  return buffer;
}

function passedRing(capacity: number): SharedArrayBuffer {
  const shape: SharedRingShape = {
    ...{ capacity, recordBytes: REQUEST_BYTES_MAX },
    ...{ policy: "refuse", producers: "multi" },
  };
  const buffer = new SharedArrayBuffer(SharedRing.bytesOf(shape));
  SharedRing.init(buffer, 0, shape);
  return buffer;
}
