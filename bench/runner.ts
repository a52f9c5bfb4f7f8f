/**
 * Runs the contenders of a case against each other: one process each, answers compared before anything is timed, then rounds in
 * which each is measured for a moment in turn, so that a slow spell of the machine meets all of them.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { createInterface, type Interface } from "node:readline";
import type { Stay } from "./end-to-end.js";
import { type Answer, line, type Round } from "./protocol.js";

/** How much time a run is worth. */
export interface Effort {
  rounds: number;
  round: Round;
  /** For so long a contender runs before it is measured. */
  warmUpMs: number;
  /** A contender whose first operation takes longer is left out. */
  slowMs: number;
  /** A contender that has not proved its answers, or measured a round, by then is ended. */
  readyMs: number;
  /** A contender that was measured for so long in all, sits the remaining rounds out. */
  budgetMs: number;
  /** Of whole servers. */
  stay: Stay;
}

export interface Figures {
  median: number;
  min: number;
  p99: number;
}

/** What it takes to start a contender's process. */
export interface Command {
  program: string;
  args: string[];
}

export interface Outcome {
  /** Nanoseconds an operation, by variant. */
  figures: Record<string, Figures>;
  /** Bytes of a frame, by variant, of those that make frames. */
  bytes: Record<string, Figures>;
  /** A line for each variant that was left out or failed. */
  notes: string[];
  /** A contender gave an answer of its own, or failed. */
  wrong: boolean;
}

/** The smallest sample that at least `fraction` of them do not exceed. */
function quantile(sorted: Float64Array, fraction: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? Number.NaN;
}

export function figuresOf(samples: readonly number[]): Figures {
  const sorted = Float64Array.from(samples).sort();
  return { median: quantile(sorted, 0.5), min: sorted[0] ?? Number.NaN, p99: quantile(sorted, 0.99) };
}

class Contender {
  readonly variant: string;
  readonly samplesNs: number[] = [];
  measuredMs = 0;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  /** Starts the process. */
  constructor(variant: string, { program, args }: Command) {
    this.variant = variant;
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#child = child;
    this.#reader = createInterface({ input: child.stdout });
    this.#lines = this.#reader[Symbol.asyncIterator]();
    // What went wrong shows as the end of its output.
    child.on("error", () => this.#reader.close());
    child.stdin.on("error", () => {});
  }

  async #hear(): Promise<Answer> {
    const { done, value } = await this.#lines.next();
    if (done === true) return { kind: "failed", reason: "its process ended" };
    try {
      return JSON.parse(value) as Answer;
    } catch {
      return { kind: "failed", reason: `it said ${JSON.stringify(value.slice(0, 100))}` };
    }
  }

  /** What it says next; ends it when it says nothing for too long. */
  async hear(limitMs: number): Promise<Answer> {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      this.#child.kill("SIGKILL");
    }, limitMs);
    const answer = await this.#hear();
    clearTimeout(timer);
    return late ? { kind: "silent", forMs: limitMs } : answer;
  }

  /** One round; false when it failed. */
  async measure({ round, readyMs }: Effort): Promise<boolean> {
    this.#child.stdin?.write(line(round));
    const before = performance.now();
    const answer = await this.hear(readyMs);
    this.measuredMs += performance.now() - before;
    if (answer.kind !== "samples") return false;
    for (const sample of answer.samplesNs) this.samplesNs.push(sample);
    return true;
  }

  close(): void {
    this.#child.stdin?.end();
    this.#reader.close();
  }
}

/** The answer that most of the contenders gave; the first one's when they all differ. */
function commonest(answers: readonly (number | undefined)[]): number | undefined {
  const given = answers.filter((answer) => answer !== undefined);
  const votes = (answer: number): number => given.filter((other) => other === answer).length;
  return given.reduce<number | undefined>(
    (best, answer) => (best === undefined || votes(answer) > votes(best) ? answer : best),
    undefined,
  );
}

function reasonOf(answer: Answer): string {
  if (answer.kind === "slow") return `its first operation took ${(answer.tookMs / 1000).toFixed(1)} s`;
  if (answer.kind === "silent") return `not ready after ${(answer.forMs / 1000).toFixed(1)} s`;
  return answer.kind === "failed" ? answer.reason : `it answered ${answer.kind}`;
}

/** Starts the contenders, as many at a time as there are cores, and hears what each has to say first. */
async function begin(
  commands: Record<string, Command>,
  readyMs: number,
): Promise<{ contender: Contender; answer: Answer }[]> {
  const waiting = Object.entries(commands);
  const begun: { contender: Contender; answer: Answer }[] = [];
  const starters = Array.from({ length: availableParallelism() }, async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const contender = new Contender(...next);
      begun.push({ contender, answer: await contender.hear(readyMs) });
    }
  });
  await Promise.all(starters);
  const order = Object.keys(commands);
  return begun.sort((a, b) => order.indexOf(a.contender.variant) - order.indexOf(b.contender.variant));
}

/** Gives the contenders whose answers are those of the others; only they may be timed. */
function admit(begun: readonly { contender: Contender; answer: Answer }[], outcome: Outcome): Contender[] {
  const ready = begun.map(({ answer }) => answer).filter((answer) => answer.kind === "ready");
  const common = commonest(ready.map(({ answer }) => answer));
  const commonStrict = commonest(ready.map(({ strict }) => strict));
  const admitted: Contender[] = [];
  for (const { contender, answer } of begun) {
    if (answer.kind !== "ready") {
      const slow = answer.kind === "slow" || answer.kind === "silent";
      outcome.notes.push(`${contender.variant} ${slow ? "skipped" : "FAILED"}: ${reasonOf(answer)}`);
      outcome.wrong ||= !slow;
    } else if (answer.answer !== common || (answer.strict !== undefined && answer.strict !== commonStrict)) {
      outcome.notes.push(`${contender.variant} WRONG: its answers are not those of the others`);
      outcome.wrong = true;
    } else {
      admitted.push(contender);
      if (answer.bytes !== undefined && answer.bytes.length > 0) {
        outcome.bytes[contender.variant] = figuresOf(answer.bytes);
      }
    }
  }
  return admitted;
}

export async function compete(commands: Record<string, Command>, effort: Effort): Promise<Outcome> {
  const outcome: Outcome = { figures: {}, bytes: {}, notes: [], wrong: false };
  const begun = await begin(commands, effort.readyMs);
  const admitted = admit(begun, outcome);
  for (let round = 0; round < effort.rounds; round++) {
    for (const contender of admitted) {
      if (contender.measuredMs > effort.budgetMs || (await contender.measure(effort))) continue;
      outcome.notes.push(`${contender.variant} FAILED while it was measured`);
      outcome.wrong = true;
      contender.measuredMs = Number.POSITIVE_INFINITY;
    }
  }
  for (const { variant, samplesNs } of admitted) {
    if (samplesNs.length > 0) outcome.figures[variant] = figuresOf(samplesNs);
  }
  for (const { contender } of begun) contender.close();
  return outcome;
}
