/** The shared memory between the main thread's players and the zones: made by the main thread, handed to all as it is, opened by each end. */
import type { Rates } from "../sim/rates.js";
import { worldSpec, type Zones, type ZonesSpec } from "../sim/zones.js";
import { MessageRing } from "../sync/messages.js";
import { SharedRing, type SharedRingShape } from "../sync/ring.js";
import { type CaptureShape, captureBytes } from "./captures.js";
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
  readonly shapes: readonly CaptureShape[];
  readonly playersMax: number;
  readonly players: SharedArrayBuffer;
  readonly figures: SharedArrayBuffer;
  readonly overruns: SharedArrayBuffer;
  /** By slot. */
  readonly requests: readonly SharedArrayBuffer[];
  readonly notices: readonly SharedArrayBuffer[];
  readonly passed: readonly SharedArrayBuffer[];
  /** By zone. */
  readonly captures: readonly SharedArrayBuffer[];
}

/** What the main thread and the slots know of the zones of this spec. */
export function remoteZoneSpecs(spec: ZonesSpec): RemoteZoneSpec[] {
  return Array.from({ length: spec.zones }, (_, i) => {
    const {
      name,
      map,
      gates,
      zone,
      seats,
      replicated,
      template = "",
      playersMax = seats,
      sync = null,
    } = worldSpec(spec, i);
    const { width, height, tileSize } = map;
    return {
      ...{ name, map, gates, template, playersMax, seats, tileSize, sync },
      ...{ width: width * tileSize, height: height * tileSize, capacity: Math.max(1, zone.capacity) },
      replicated: replicated.map((column) => ({ name: column, type: zone.columns?.[column] ?? "u8" })),
    };
  });
}

export function makePlayerParts(
  slots: number,
  specs: readonly RemoteZoneSpec[],
  given: Partial<PlayerSizes> = {},
): PlayerParts {
  const sizes = { ...SIZES, ...given };
  // Without their maps, which nobody but the main thread needs.
  const shapes = specs.map(({ width, height, tileSize, capacity, seats, replicated }) => ({
    ...{ width, height, tileSize, capacity, seats, replicated },
  }));
  const shared = (bytes: number): SharedArrayBuffer => new SharedArrayBuffer(bytes);
  const figures = shared(FigureTable.bytesOf(shapes.length));
  const table = new FigureTable(figures, shapes.length);
  for (const [i, { template }] of specs.entries()) if (template !== "") table.setState(i, ASLEEP);
  const bySlot = (make: () => SharedArrayBuffer): SharedArrayBuffer[] => Array.from({ length: slots }, make);
  return {
    shapes,
    playersMax: sizes.players,
    players: shared(PlayerTable.bytesOf(sizes.players)),
    figures,
    overruns: shared(4 * slots),
    requests: bySlot(() => messageRing(sizes.requestRingBytes)),
    notices: bySlot(() => messageRing(sizes.noticeRingBytes)),
    passed: bySlot(() => passedRing(sizes.passed)),
    captures: shapes.map((shape) => shared(captureBytes(shape))),
  };
}

/** The main thread's end. */
export function openRemoteZones(
  parts: PlayerParts,
  zones: readonly RemoteZoneSpec[],
  homes: Homes,
  actionOf: (name: string) => number,
): RemoteZones {
  const { captures, requests, notices } = parts;
  return new RemoteZones({
    ...{ zones, captures, homes, actionOf },
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
    captures: parts.captures,
    shapes: parts.shapes,
  });
}

function openTables({ players, playersMax, figures, shapes, overruns }: PlayerParts) {
  return {
    players: new PlayerTable(players, playersMax),
    figures: new FigureTable(figures, shapes.length),
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
