/**
 * Plays a recording again: fresh zones, made from its header, get each command in the tick that drained it, and are compared with
 * its checkpoints. As fast as the zones tick; reading and comparing cost some percent of that.
 */
import { GyreError } from "../errors.js";
import type { Command } from "../kernel/types.js";
import type { Block, RecordedCommand, ZoneDigest } from "./recording.js";
import type { RecordingReader } from "./recording-reader.js";

/** What a replay needs of a world. */
export interface ReplayedWorld {
  readonly name: string;
  readonly fault: GyreError | null;
  /** A bot came through a gate. */
  onBotCame: ((seat: number) => void) | null;
  /** As the call did that made the command. False when that cannot be: another seat is next, or the zone stopped. */
  replay(command: Readonly<Command>, name: string): boolean;
  stopNext(reason: string): void;
  hash(): bigint;
  digests(): ReadonlyMap<string, bigint>;
}

export interface ReplayedZones {
  readonly all: readonly ReplayedWorld[];
  readonly tick: number;
  /** For the next step. */
  readonly delays: { hold(zone: number): void; turnBack(zone: number, asker: number): void };
  step(): void;
}

/** Where a replay is not what was recorded. */
export interface Difference {
  /** Found after, or when commands of, this tick. */
  readonly tick: number;
  readonly zone: string;
  /** What differs: names of digests, or a sentence. Not empty. */
  readonly parts: readonly string[];
}

export class Replay {
  /** Commands that were given to zones. */
  commands = 0;
  /** Checkpoints that agreed, and the tick of the last. */
  checkpoints = 0;
  verifiedTick = 0;

  readonly #reader: RecordingReader;
  readonly #zones: ReplayedZones;
  readonly #parts: readonly string[];

  /** zones: as the recorded ones were before their first tick. Throws RECORDING_VERSION when their state has other parts. */
  constructor(reader: RecordingReader, zones: ReplayedZones) {
    this.#reader = reader;
    this.#zones = zones;
    this.#parts = reader.header.parts;
    // What bots did is recorded: one that comes through a gate finds nobody who moves it.
    for (const world of zones.all) world.onBotCame = null;
    const parts = [...(zones.all[0]?.digests().keys() ?? [])];
    const odd = parts.find((part, i) => part !== this.#parts[i]) ?? this.#parts[parts.length];
    if (odd !== undefined) {
      throw new GyreError("RECORDING_VERSION", `the state of this game and of the recorded one differ in ${odd}`);
    }
  }

  get tick(): number {
    return this.#zones.tick;
  }

  /**
   * Up to the end of the recording, or to the first difference. verify: compares the checkpoints. Throws RECORDING_BAD where the
   * recording is damaged; all before was simulated then.
   */
  run(verify: boolean): Difference | null {
    for (let block = this.#reader.next(); block !== null; block = this.#reader.next()) {
      if (block.tag === "CMDS") {
        for (const command of block.commands) {
          if (!this.#give(command)) return this.#refusal(command);
        }
        continue;
      }
      if (block.tag === "STOP") {
        this.#stop(block);
        continue;
      }
      if (block.tag === "LATE") {
        this.#delay(block);
        continue;
      }
      this.#stepTo(block.tick);
      if (block.tag === "HASH" && verify) {
        const difference = this.#compare(block.tick, block.zones);
        if (difference !== null) return difference;
        this.checkpoints++;
        this.verifiedTick = block.tick;
      }
    }
    return null;
  }

  #stepTo(tick: number): void {
    while (this.#zones.tick < tick) this.#zones.step();
  }

  #world(index: number): ReplayedWorld {
    const world = this.#zones.all[index];
    if (world === undefined) throw new GyreError("BAD_ARGUMENT", `zone ${index} of ${this.#zones.all.length}`);
    return world;
  }

  #give(command: RecordedCommand): boolean {
    this.#stepTo(command.tick - 1);
    this.commands++;
    return this.#world(command.zone).replay(command, command.name);
  }

  #refusal({ tick, zone, type, seat, name }: RecordedCommand): Difference {
    const world = this.#world(zone);
    const who = name === "" ? `command ${type} of seat ${seat}` : `${JSON.stringify(name)}, who took seat ${seat},`;
    const why = world.fault === null ? `finds no such seat` : `finds the zone stopped: ${world.fault.message}`;
    return { tick, zone: world.name, parts: [`${who} ${why}`] };
  }

  /** Most likely it stops here too. What a watchdog stopped may come to an end this time, and is stopped in the same tick. */
  #stop({ tick, zone, reason }: Extract<Block, { tag: "STOP" }>): void {
    this.#stepTo(tick - 1);
    this.#world(zone).stopNext(`as recorded: ${reason}`);
  }

  #delay({ tick, zones }: Extract<Block, { tag: "LATE" }>): void {
    this.#stepTo(tick - 1);
    const { delays } = this.#zones;
    for (const { zone, turned } of zones) {
      if (turned === 0n) delays.hold(zone);
      for (let bits = turned, asker = 0; bits !== 0n; bits >>= 1n, asker++) {
        if ((bits & 1n) === 1n) delays.turnBack(zone, asker);
      }
    }
  }

  #compare(tick: number, zones: readonly ZoneDigest[]): Difference | null {
    for (const { zone, hash, parts } of zones) {
      const world = this.#world(zone);
      if (world.fault !== null) return { tick, zone: world.name, parts: [`stopped: ${world.fault.message}`] };
      if (world.hash() === hash) continue;
      const own = [...world.digests().values()];
      const odd = this.#parts.filter((_, i) => Number((own[i] ?? 0n) & 0xffff_ffffn) !== parts[i]);
      return { tick, zone: world.name, parts: odd.length > 0 ? odd : ["hash"] };
    }
    return null;
  }
}
