/** Zones of a few numbers each, whose state is a function of their commands: for tests of recordings that need no kernel. */
import { GyreError } from "../../src/errors.js";
import type { Command } from "../../src/kernel/types.js";
import { Delays } from "../../src/sim/delays.js";

interface Told extends Command {
  readonly tick: number;
  readonly name: string;
}

export class ToyWorld {
  onCommand: ((command: Readonly<Command>) => void) | null = null;
  onBotCame: ((seat: number) => void) | null = null;
  fault: GyreError | null = null;
  readonly zone = { tick: 0 };
  /** Everything that it was told, in order. */
  readonly heard: Told[] = [];
  /** Does wrong what it does from this tick on. */
  wrongFrom = Number.POSITIVE_INFINITY;
  /** Its hash cannot be taken from this tick on. */
  unhashableFrom = Number.POSITIVE_INFINITY;
  #lastReason = "";
  #sum = 1;
  #x = 0;
  readonly #waiting: { command: Command; name: string }[] = [];
  readonly #names = new Map<number, string>();

  constructor(readonly name: string) {}

  nameOf(seat: number): string {
    return this.#names.get(seat) ?? "";
  }

  replay(command: Readonly<Command>, name: string): boolean {
    if (this.fault !== null) return false;
    this.#waiting.push({ command: { ...command }, name });
    return true;
  }

  step(tick: number): void {
    if (this.fault !== null) return;
    this.zone.tick = tick;
    for (const { command, name } of this.#waiting.splice(0)) {
      if (command.type === 1) this.#names.set(command.seat, name);
      this.onCommand?.(command);
      this.heard.push({ ...command, tick, name });
      for (const value of [command.type, command.seat, command.action, command.seq, command.dx * 8, command.dy * 8]) {
        this.#sum = (Math.imul(this.#sum, 31) + Math.trunc(value)) >>> 0;
      }
    }
    this.#x = (this.#x + (tick >= this.wrongFrom ? 2 : 1)) >>> 0;
    this.#sum = (Math.imul(this.#sum, 31) + this.#x) >>> 0;
    if (this.#lastReason !== "") this.stop(this.#lastReason);
  }

  stopNext(reason: string): void {
    this.#lastReason = reason;
  }

  stop(reason: string): void {
    this.fault ??= new GyreError("KERNEL_TRAP", reason);
  }

  hash(): bigint {
    if (this.zone.tick >= this.unhashableFrom) throw new GyreError("BAD_ARGUMENT", "the state is no plain data");
    return (BigInt(this.#sum) << 32n) | BigInt(this.#x);
  }

  digests(): ReadonlyMap<string, bigint> {
    return new Map([
      ["header", BigInt(this.#sum)],
      ["column x", BigInt(this.#x)],
      ["state", 7n],
    ]);
  }
}

export class ToyZones {
  readonly all: readonly ToyWorld[];
  tick = 0;
  /** Zones that are not stepped. */
  readonly asleep = new Set<ToyWorld>();
  readonly delays = new Delays();

  constructor(count: number) {
    this.all = Array.from({ length: count }, (_, i) => new ToyWorld(`zone-${i}`));
  }

  step(): void {
    this.tick++;
    for (const [i, world] of this.all.entries()) {
      if (!this.asleep.has(world) && !this.delays.isHeld(i)) world.step(this.tick);
    }
    this.delays.clear();
  }
}
