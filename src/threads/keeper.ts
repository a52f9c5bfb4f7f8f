/**
 * What keeps the zones of a slot from being lost: a journal of each in shared memory (see sim/journal.ts). By it a zone is taken up where it was
 * when its game failed, when the thread of its home ended, and when it moves to another home.
 *
 * Costs an image of each zone every JOURNAL_SECONDS, and some tens of nanoseconds a command. Zones whose memory cannot be shared, and those
 * that say more than their journal holds, have none: when they fail they stop.
 */
import { GyreError } from "../errors.js";
import type { Kernel, Zone, ZoneHandle } from "../kernel/types.js";
import { Bots } from "../sim/bots.js";
import type { Failures } from "../sim/failures.js";
import { Journal } from "../sim/journal.js";
import { runAgain, takeUp } from "../sim/restart.js";
import type { World } from "../sim/world.js";
import { worldSpec, type Zones, type ZonesSpec } from "../sim/zones.js";
import type { Board } from "./board.js";
import type { Desk } from "./desk.js";
import type { Scribe } from "./scribe.js";

/** Seconds from one image to the next: fewer than one tick in a hundred takes one, and what is done again takes less than a second. */
const JOURNAL_SECONDS = 2;

/** What other threads need to take a zone up. Passes through postMessage. */
export interface Kept {
  readonly zone: number;
  readonly handle: ZoneHandle;
  readonly journal: SharedArrayBuffer;
}

interface KeeperOptions {
  readonly slot: number;
  readonly board: Board;
  readonly kernel: Kernel;
  readonly zones: Zones;
  readonly desk: Desk;
  /** Where a recording is made. */
  readonly scribe?: Scribe | undefined;
  readonly spec: ZonesSpec;
  readonly failures: Failures;
  /** Why the thread ended that was in the slot before; "" when there was none. */
  readonly former: string;
  /** Milliseconds, the same clock in all threads. */
  readonly now: () => number;
  /** There is no journal of the zone any more, and why: it stops when it fails. Once for each. */
  readonly onLost: (zone: number, reason: string) => void;
}

export class Keeper {
  readonly #options: KeeperOptions;
  readonly #kept = new Map<number, Kept>();
  /** By zone, of those that are at home. */
  readonly #journals: (Journal | undefined)[];
  /** Zones as this thread sees them; one view of each for its life. */
  readonly #views = new Map<number, Zone>();

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#journals = new Array<Journal | undefined>(options.board.zones).fill(undefined);
  }

  /** Begins the journals of the zones that are here. Returns what others need of them: nothing of zones that are not shared. */
  begin(): Kept[] {
    const { zones, kernel, board } = this.#options;
    for (let zone = 0; kernel.shared && zone < board.zones; zone++) {
      const world = zones.at(zone);
      if (world === undefined) continue;
      const size = Journal.sizeOf({ zone: world.zone, seats: world.seats });
      this.#kept.set(zone, { zone, handle: world.zone.share(), journal: new SharedArrayBuffer(size) });
      this.#views.set(zone, world.zone);
      this.#journalOf(zone)?.keep(world);
    }
    return [...this.#kept.values()];
  }

  /** What there is of zones that other threads began. */
  learn(kept: readonly Kept[]): void {
    for (const one of kept) this.#kept.set(one.zone, one);
  }

  /** A zone as this thread sees it; undefined for one that is not shared. */
  view(zone: number): Zone | undefined {
    const view = this.#views.get(zone);
    const kept = view === undefined ? this.#kept.get(zone) : undefined;
    if (kept === undefined) return view;
    const made = this.#options.kernel.attachZone(kept.handle);
    this.#views.set(zone, made);
    return made;
  }

  /**
   * Takes up all zones at home, whose thread ended: those that failed before last, because they may end this one as well. What was answered at
   * their gates is to be acted on before `reconcile`.
   */
  resume(): void {
    const { board, slot, failures } = this.#options;
    const mine = Array.from({ length: board.zones }, (_, zone) => zone).filter((zone) => board.home(zone) === slot);
    mine.sort((a, b) => failures.count(a) - failures.count(b));
    for (const zone of mine) {
      board.setZone(slot, zone);
      this.#resumeOne(zone);
      board.beat(slot);
    }
    board.setZone(slot, -1);
  }

  /** Who has a seat in the zones that were taken up, and who is known to have one, are the same from now on. */
  reconcile(): void {
    for (let zone = 0; zone < this.#journals.length; zone++) {
      if (this.#journals[zone] !== undefined) this.#options.desk.reconcile(zone);
    }
  }

  /** After all that the zones said was handed on: the images that are due. */
  renew(): void {
    for (let zone = 0; zone < this.#journals.length; zone++) {
      const journal = this.#journals[zone];
      if (journal === undefined) continue;
      journal.renew();
      if (journal.lost !== "") this.#lose(zone, journal.lost);
    }
  }

  /**
   * A zone failed in its step of this tick: it does it again, unless it failed too often. mark, tapeMark: of desk and scribe when the step
   * began; -1 when what was told before the kernel's step is told, and stays so.
   */
  failed(zone: number, tick: number, mark: number, tapeMark: number): void {
    const { zones, now, failures, desk, scribe } = this.#options;
    const [world, journal] = [zones.at(zone), this.#journals[zone]];
    if (world === undefined || world.fault === null || journal === undefined) return;
    const again = runAgain(world, tick, {
      ...this.#restart(zone, journal),
      ...{ index: zone, failures, now, wasPrepared: mark < 0 },
      attach: (next) => {
        if (mark >= 0) desk.forgetSince(mark);
        if (tapeMark >= 0) scribe?.forgetSince(tapeMark);
        this.#attach(zone, next);
      },
    });
    if (again !== world && again.fault === null) desk.reconcile(zone);
  }

  /** Ends the zone's life here: it has a new home. False when it cannot be taken up there. */
  release(zone: number): boolean {
    const [world, journal] = [this.#options.zones.at(zone), this.#journals[zone]];
    if (world === undefined || world.fault !== null || journal === undefined || journal.lost !== "") return false;
    journal.keep(world);
    if (!journal.isKept) return false;
    world.log = null;
    this.#journals[zone] = undefined;
    this.#options.desk.detach(zone);
    return true;
  }

  /** The zone is at home here from now on. */
  adopt(zone: number): void {
    this.#resumeOne(zone);
    this.#options.desk.reconcile(zone);
  }

  #lose(zone: number, reason: string): void {
    this.#journals[zone] = undefined;
    this.#options.onLost(zone, reason);
  }

  #resumeOne(zone: number): void {
    const { board, slot, failures, former, now } = this.#options;
    const [view, journal] = [this.view(zone), this.#journalOf(zone)];
    if (view === undefined || journal === undefined || !journal.isKept) {
      this.#giveUp(zone, "it failed, and there is no journal of it");
      return;
    }
    if (failures.isQuarantined(zone)) {
      this.#giveUp(zone, `${former}; it failed three times within 30 seconds`);
      return;
    }
    try {
      const again = (): World => takeUp(view, board.arrived(slot), this.#restart(zone, journal));
      let { fault } = again();
      while (fault !== null && !failures.note(zone, now())) ({ fault } = again());
      if (fault !== null) this.#giveUp(zone, fault.message);
    } catch (error) {
      this.#giveUp(zone, error instanceof Error ? error.message : String(error));
    }
  }

  /** The zone is nowhere any more. */
  #giveUp(zone: number, reason: string): void {
    const { desk, spec, zones } = this.#options;
    this.#journals[zone] = undefined;
    zones.put(zone, undefined);
    desk.abandon(zone, new GyreError("GAME_FAILED", `${worldSpec(spec, zone).name}: ${reason}`));
  }

  #restart(zone: number, journal: Journal) {
    return {
      beat: () => this.#options.board.beat(this.#options.slot),
      kernel: this.#options.kernel,
      journal,
      world: worldSpec(this.#options.spec, zone),
      attach: (world: World) => this.#attach(zone, world),
    };
  }

  #attach(zone: number, world: World): void {
    const { zones, desk, scribe, spec } = this.#options;
    zones.put(zone, world, new Bots(world, 0, spec.seed + zone));
    desk.attach(zone);
    scribe?.attach(zone);
  }

  #journalOf(zone: number): Journal | undefined {
    const found = this.#journals[zone];
    const [kept, view] = [this.#kept.get(zone), this.view(zone)];
    if (found !== undefined || kept === undefined || view === undefined) return found;
    const { seats, zone: shape } = worldSpec(this.#options.spec, zone);
    const journal = new Journal({
      zone: view,
      seats,
      buffer: kept.journal,
      periodTicks: JOURNAL_SECONDS * (shape.tickRate ?? 60),
      phase: zone,
    });
    this.#journals[zone] = journal;
    return journal;
  }
}
