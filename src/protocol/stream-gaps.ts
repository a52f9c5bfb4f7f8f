/**
 * How many ticks lie between two snapshots of a stream, which nobody tells: the least that ever lay between two frames with blocks of it. With it
 * the age of a delta, a number of snapshots, is a number of ticks. Costs a few operations a block, and nothing is allocated after construction.
 */
import { STREAM_COUNT } from "../kernel/streams.js";

/** Ticks between two snapshots that are believed, at most: after a longer time it was a rest. */
const GAP_TICKS_MAX = 60;

export class StreamGaps {
  /** 0 as long as nothing is known. */
  readonly #ticks = new Float64Array(STREAM_COUNT);
  /** Of the last block; -1 before the first. */
  readonly #lasts = new Float64Array(STREAM_COUNT).fill(-1);

  /** A frame of this tick has a block of the stream. */
  heard(stream: number, tick: number): void {
    const gap = tick - this.#lasts[stream]!;
    const known = this.#ticks[stream]! || GAP_TICKS_MAX;
    if (this.#lasts[stream]! >= 0 && gap > 0 && gap <= known) this.#ticks[stream] = gap;
    this.#lasts[stream] = tick;
  }

  /** Ticks that so many snapshots take, at most; 0 when that is not known. Gaps of a rate that does not divide the tick rate differ by one. */
  most(stream: number, snapshots: number): number {
    const ticks = this.#ticks[stream]!;
    return ticks === 0 ? 0 : snapshots * (ticks + 1);
  }

  /** Ticks that one snapshot of any stream takes, at most. */
  get slowest(): number {
    let ticks = 0;
    for (let stream = 0; stream < STREAM_COUNT; stream++) ticks = Math.max(ticks, this.most(stream, 1));
    return ticks;
  }

  /** What follows is another server's, or another zone's. */
  reset(): void {
    this.#ticks.fill(0);
    this.#lasts.fill(-1);
  }
}
