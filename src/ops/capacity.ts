/**
 * How many rooms a machine holds, from what one costs: arithmetic, without a clock. The work of a second is
 *
 *     rooms x (tick x tick rate + (sync + encode + players x write) x sync rate) + event x events
 *
 * and it is done in two places, each of which may be full first: the main thread, which has the sockets, and the threads that simulate,
 * which have the cores that are left over. On one core both share it.
 */
import { GyreError } from "../errors.js";

/** Microseconds of one core. */
export interface CapacityCosts {
  /** Of a room's tick: its simulation and its game. */
  readonly tickUs: number;
  /** Of a room's sync where it is simulated: its state tree's changes as messages, and the copy of its entities that a snapshot is made from. */
  readonly syncUs: number;
  /** Of a room's sync where its sockets are: the snapshot's blocks, its players' frames and state messages in memory. */
  readonly encodeUs: number;
  /** Of handing one player's frame to its socket, and the state messages that come with it. */
  readonly writeUs: number;
  /** Of one message of a player: reading it from its socket, checking it, and bringing it to the room. */
  readonly eventUs: number;
}

export interface CapacityLoad {
  readonly playersPerRoom: number;
  /** A second. */
  readonly tickRate: number;
  readonly syncRate: number;
  /** Messages a second of each player. */
  readonly events: number;
  readonly cores: number;
}

/** Where each cost falls. */
const ON_MAIN: Readonly<Record<keyof CapacityCosts, boolean>> = {
  tickUs: false,
  syncUs: false,
  encodeUs: true,
  writeUs: true,
  eventUs: true,
};

/** Of what there is, how much may be used: all, or what leaves room for rushes, collections and neighbours. */
const CAPACITY_LINES = [0.7, 1] as const;

export interface CapacityLine {
  /** Of the bottleneck, 0 to 1. */
  share: number;
  rooms: number;
  players: number;
  /** Cores in use. */
  mainCores: number;
  simCores: number;
}

export interface Capacity {
  /** Microseconds a second that one room costs, by part, and where. */
  roomUs: Record<keyof CapacityCosts, number>;
  mainUs: number;
  simUs: number;
  /** Cores that each has; the same one when there is one. */
  mainCores: number;
  simCores: number;
  bottleneck: "main" | "sim" | "both";
  lines: CapacityLine[];
}

const US = 1_000_000;

/** Throws BAD_ARGUMENT when nothing costs anything. */
export function capacityOf(costs: CapacityCosts, load: CapacityLoad): Capacity {
  const { playersPerRoom, tickRate, syncRate, events, cores } = load;
  const roomUs = {
    tickUs: costs.tickUs * tickRate,
    syncUs: costs.syncUs * syncRate,
    encodeUs: costs.encodeUs * syncRate,
    writeUs: costs.writeUs * syncRate * playersPerRoom,
    eventUs: costs.eventUs * events * playersPerRoom,
  };
  let [mainUs, simUs] = [0, 0];
  for (const [name, us] of Object.entries(roomUs)) {
    if (ON_MAIN[name as keyof CapacityCosts]) mainUs += us;
    else simUs += us;
  }
  if (mainUs + simUs <= 0) throw new GyreError("BAD_ARGUMENT", "a room costs nothing: there may be any number of them");
  const isShared = cores < 2;
  const simCores = isShared ? 1 : cores - 1;
  // Rooms that fill each: without a cost there may be any number.
  const byMain = US / (isShared ? mainUs + simUs : mainUs);
  const bySim = (simCores * US) / (isShared ? mainUs + simUs : simUs);
  const full = Math.min(byMain, bySim);
  return {
    roomUs,
    mainUs,
    simUs,
    mainCores: 1,
    simCores,
    bottleneck: isShared ? "both" : byMain <= bySim ? "main" : "sim",
    lines: CAPACITY_LINES.map((share) => {
      // What is a whole number but for rounding is one.
      const rooms = Math.floor(full * share + 1e-9);
      return {
        share,
        rooms,
        players: rooms * playersPerRoom,
        mainCores: (rooms * mainUs) / US,
        simCores: (rooms * simUs) / US,
      };
    }),
  };
}
