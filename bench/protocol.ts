/**
 * What the bench and a contender's process say to each other, JSON by the line. The contender speaks first; the process ends
 * when its standard input does.
 */

/** Measure for about so long, in loops of about so long. */
export interface Round {
  roundMs: number;
  loopMs: number;
}

export type Answer =
  | { kind: "ready"; answer: number; strict?: number | undefined; bytes?: number[] }
  /** The first operation took so long that there will be no others. */
  | { kind: "slow"; tookMs: number }
  /** Said by the bench of a contender that said nothing. */
  | { kind: "silent"; forMs: number }
  | { kind: "failed"; reason: string }
  | { kind: "samples"; samplesNs: number[] };

export function line(message: Answer | Round): string {
  return `${JSON.stringify(message)}\n`;
}
