/**
 * What a thread of clients counts, in memory that the main thread reads whenever it likes: numbers that only grow, and histograms. Who wants to
 * know of a stretch of time takes a copy at its beginning and subtracts it at its end.
 */
import { HISTOGRAM_WORDS, LogHistogram } from "./histogram.js";

const COUNTS = [
  /** Connections begun, players told their welcome, and those that will never be: the clients that stay, without churn and stalled ones. */
  "begun",
  "joined",
  "unjoined",
  /** Of those that joined, connections that are over. */
  "lost",
  /** Snapshots that came, those of fully decoded clients among them. */
  "snapshots",
  "snapshotBytes",
  /** Payload of all messages. */
  "bytes",
  /** Of those who do not decode: updates of a whole room; bytes of all messages of the state tree. */
  "syncs",
  "stateBytes",
  "inputs",
  /** Inputs not sent, because the one before had not left yet. */
  "inputsHeld",
  /** Errors that the server told, connections that failed, and closes that nobody asked for. */
  "errors",
  "churnBegun",
  "churnServed",
  "churnFailed",
  "churnEnded",
  "stalled",
  /** Entities in view of decoded clients, one addend a snapshot; and those snapshots. */
  "viewed",
  "views",
] as const;

const TIMES = [
  /** Between two snapshots of a connection. */
  "gap",
  /** From an input to the first snapshot that acknowledges it. */
  "ack",
  /** Between two updates of a room on a connection. */
  "syncGap",
  /** From connecting to the welcome. */
  "join",
] as const;

export type Count = (typeof COUNTS)[number];
export type Time = (typeof TIMES)[number];

export const TALLY_BYTES = 8 * (COUNTS.length + TIMES.length * HISTOGRAM_WORDS);

const INDEX = Object.fromEntries(COUNTS.map((name, i) => [name, i])) as Record<Count, number>;

export class Tally {
  readonly words: Float64Array;
  readonly times: Readonly<Record<Time, LogHistogram>>;

  /** memory: TALLY_BYTES, all 0 at first; of its own without. */
  constructor(memory: ArrayBufferLike = new ArrayBuffer(TALLY_BYTES)) {
    this.words = new Float64Array(memory);
    const histogramAt = (i: number): LogHistogram => {
      const from = COUNTS.length + i * HISTOGRAM_WORDS;
      return new LogHistogram(this.words.subarray(from, from + HISTOGRAM_WORDS));
    };
    this.times = Object.fromEntries(TIMES.map((name, i) => [name, histogramAt(i)])) as Record<Time, LogHistogram>;
  }

  add(count: Count, n = 1): void {
    this.words[INDEX[count]]! += n;
  }

  get(count: Count): number {
    return this.words[INDEX[count]]!;
  }

  /** All of these together, less what they were before. */
  static sum(tallies: readonly Tally[], before: Tally | null = null): Tally {
    const sum = new Tally();
    for (const { words } of tallies) for (let i = 0; i < words.length; i++) sum.words[i]! += words[i]!;
    if (before !== null) for (let i = 0; i < sum.words.length; i++) sum.words[i]! -= before.words[i]!;
    return sum;
  }
}
