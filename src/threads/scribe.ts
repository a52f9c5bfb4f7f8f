/**
 * Tells a recording of the zones at home in one slot, by the slot's tape: what they drained from outside, who was turned back at gates, which
 * ticks they took no step in, and at checkpoints what they are. Only what a replay cannot know by itself; where zones are at home is no such thing.
 *
 * Costs some 40 ns a command here, and a hash of each zone every CHECKPOINT_TICKS. Once nobody records any more it costs nothing.
 */
import { isFromOutside, JOIN } from "../sim/commands.js";
import { hashOf } from "../sim/recorded-world.js";
import { CHECKPOINT_TICKS } from "../sim/recording.js";
import type { World } from "../sim/world.js";
import type { Zones } from "../sim/zones.js";
import { type TapeParts, TapeState, TapeWriter } from "./tape.js";

export class Scribe {
  readonly #zones: Zones;
  readonly #tape: TapeWriter;
  readonly #state: TapeState;
  /** By zone, its tick at its last checkpoint. */
  readonly #checkedTicks: Float64Array;
  #isEnded = false;

  /** zones: before their first tick here. */
  constructor(zones: Zones, parts: TapeParts, slot: number) {
    this.#zones = zones;
    this.#tape = new TapeWriter(parts, slot);
    this.#state = new TapeState(parts);
    this.#checkedTicks = new Float64Array(zones.count).fill(-1);
    for (let zone = 0; zone < zones.count; zone++) this.attach(zone);
  }

  /** The World at this index of the zones is recorded from now on, in place of one that was. */
  attach(zone: number): void {
    const world = this.#zones.at(zone);
    if (world === undefined || this.#state.isEnded) return;
    world.onCommand = (command) => {
      if (!isFromOutside(command.type)) return;
      // It is drained before the step.
      this.#tape.command(zone, world.zone.tick + 1, command, command.type === JOIN ? world.nameOf(command.seat) : "");
    };
    world.onTurnedBack = (asker) => this.#tape.turnedBack(zone, world.zone.tick, asker);
  }

  /** How far it has told: see forgetSince. */
  get mark(): number {
    return this.#tape.mark;
  }

  /** Nothing was told since, in this tick: the zone does its step again. */
  forgetSince(mark: number): void {
    this.#tape.forgetSince(mark);
  }

  /** The zone failed in its step; maybe it is through with it now. */
  failed(zone: number, tick: number): void {
    const fault = this.#zones.at(zone)?.fault ?? null;
    if (fault !== null && !this.#isEnded) this.#tape.stopped(zone, tick, fault.message);
  }

  /** All that there was to do at the gates after this tick is done. Before stopped zones are put aside: some may stop here. */
  settled(tick: number): void {
    const isDue = tick > 0 && (tick % CHECKPOINT_TICKS === 0 || tick === this.#state.last);
    if (!isDue || this.#isEnded) return;
    for (let zone = 0; zone < this.#zones.count; zone++) {
      const world = this.#zones.at(zone);
      if (world === undefined || world.fault !== null || world.zone.tick === this.#checkedTicks[zone]) continue;
      // It came here from a slot that is ahead, which has told of this tick.
      if (world.zone.tick > tick) continue;
      this.#checkedTicks[zone] = world.zone.tick;
      this.#check(zone, world, tick);
    }
  }

  /** The zones that are awake took no step in these ticks. */
  held(from: number, to: number): void {
    if (this.#isEnded || to < from) return;
    for (let zone = this.#zones.nextAwake(0); zone >= 0; zone = this.#zones.nextAwake(zone + 1)) {
      this.#tape.held(zone, from, to);
    }
  }

  /** A zone that is at home here shall be at home elsewhere: the last step that it took here was the one before. */
  released(zone: number, tick: number, isAwake: boolean): void {
    if (!this.#isEnded) this.#tape.released(zone, tick, isAwake);
  }

  /** The next step that the zone takes, it takes here: this one. */
  adopted(zone: number, tick: number): void {
    if (this.#isEnded) return;
    this.#tape.adopted(zone, tick);
    if (this.#zones.at(zone) === undefined) this.#tape.stopped(zone, tick, "its new home could not take it up");
  }

  /** What was told of the tick can be read. */
  endTick(): void {
    if (this.#isEnded) return;
    this.#tape.commit();
    if (!this.#state.isEnded) return;
    this.#isEnded = true;
    for (const world of this.#zones.all) world.onCommand = world.onTurnedBack = null;
  }

  #check(zone: number, world: World, tick: number): void {
    const found = hashOf(world);
    if (found !== null) this.#tape.digest(zone, tick, found.hash, [...found.digests.values()]);
    // It was whole in this tick, and is not in the next.
    else this.#tape.stopped(zone, tick + 1, world.fault?.message ?? "");
  }
}
