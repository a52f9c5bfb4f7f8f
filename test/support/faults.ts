/** Crews whose threads fail at random, beside what the same zones come to when nothing does. */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadKernel } from "../../src/kernel/load.js";
import { GONE } from "../../src/threads/board.js";
import type { Failure } from "../../src/threads/crew.js";
import { definition, FAULTS, type Fault, FOLDER, KINDS } from "../games/faults.js";
import { definition as herds } from "../games/herds.js";
import { definition as travellers } from "../games/travellers.js";
import { crewOf, differences, gameIn, hashesWithoutThreads, type TestCrew } from "./crews.js";
import { Random } from "./random.js";

/** Milliseconds for which a thread may wait for a core here, and is taken for one that hangs. */
const WATCHDOG_MS = 600;
/** Of a run. */
const TICKS = 240;
/** At what a thread is at, to end it in the middle of that: some milliseconds. */
const LOOKS_MAX = 100_000;

const FAULTY = gameIn("faults", definition);
const HERDS = gameIn("herds", herds);
const TRAVELLERS = gameIn("travellers", travellers);

/** A crew whose zones fail as planned. `done` says when each fault was, in milliseconds since 1970, by zone and tick. */
export async function faultyCrew(faults: readonly Fault[], spec: Omit<TestCrew, "game" | "file">) {
  const folder = mkdtempSync(join(tmpdir(), "gyre-faults-"));
  const env = { ...process.env, [FAULTS]: JSON.stringify(faults), [FOLDER]: folder };
  const made = await crewOf({ ...FAULTY, watchdogMs: WATCHDOG_MS, worker: { env }, ...spec });
  return {
    ...made,
    doneMs: ({ zone, tick }: Fault) => statSync(join(folder, `${zone} ${tick}`), { throwIfNoEntry: false })?.mtimeMs,
    async close() {
      await made.crew.close();
      rmSync(folder, { recursive: true });
    },
  };
}

export interface FaultRun {
  faults: readonly Fault[];
  kills: number;
  failures: readonly Failure[];
  /** Milliseconds from a fault to when the slot that its thread was in had caught up. */
  outagesMs: number[];
  /** What is not as it would be without faults. */
  odd: string[];
}

/**
 * Zones without gates; each fails once, and a thread may be ended at a random moment. That is twice for none but those that it was at: a third
 * failure within 30 s would quarantine it, and a busy machine may hold a thread up for as long as a watchdog waits.
 */
export async function runFaults(seed: number, zones = 16): Promise<FaultRun> {
  const random = new Random(seed);
  const settings = { zones, npcs: 40, bots: 6, players: 8, seed };
  const kills = random.integer(0, 1);
  const faults = planOf(random, zones);
  const { hashes } = await hashesWithoutThreads({ game: FAULTY.game, settings }, TICKS);
  const run = await faultyCrew(faults, { settings, slots: random.integer(1, 4), spin: random.pick(["auto", "off"]) });
  const { crew, board, failures } = run;
  const outagesMs: number[] = [];
  const looks = setInterval(watch(run, faults, outagesMs), 1);
  try {
    const done = crew.advanceTo(TICKS);
    for (let n = 0; n < kills; n++) {
      await reached(board, random.integer(1, TICKS - 1));
      await crew.kill(random.integer(0, board.slots - 1));
    }
    await done;
    const odd = differences(await crew.hashes(), hashes);
    for (const fault of faults) {
      if (run.doneMs(fault) === undefined) odd.push(`${fault.kind} of ${fault.zone} at ${fault.tick} was not`);
    }
    return { faults, kills, failures, outagesMs, odd };
  } finally {
    clearInterval(looks);
    await run.close();
  }
}

export interface KillRun {
  kills: number;
  failures: readonly Failure[];
  odd: string[];
}

/** Zones without scripts, whose steps are taken by all threads: which are ended at random moments, also while they hold a ticket. */
export async function killAtSteps(seed: number, kills = 2): Promise<KillRun> {
  const random = new Random(seed);
  const settings = { zones: 12, bots: 3, players: 8, seed };
  const { hashes } = await hashesWithoutThreads({ game: HERDS.game, settings }, TICKS);
  const run = await crewOf({
    ...{ ...HERDS, settings },
    ...{ slots: random.integer(2, 4), spin: random.pick(["auto", "off"]) },
  });
  try {
    await advanceAndKill(run, random, kills);
    return { kills, failures: run.failures, odd: differences(await run.crew.hashes(), hashes) };
  } finally {
    await run.crew.close();
  }
}

/** Zones on all threads, between which all go to and fro: nobody is lost or doubled. */
export async function killAtGates(seed: number, kills = 2): Promise<KillRun & { transfers: number }> {
  const random = new Random(seed);
  const settings = { zones: random.integer(2, 6), npcs: 60, seed };
  const run = await crewOf({ ...TRAVELLERS, settings, slots: random.integer(2, 3) });
  const { crew, failures, venues } = run;
  try {
    await advanceAndKill(run, random, kills);
    await crew.hashes();
    const kernel = await loadKernel({ shared: true });
    const found = new Map<number, string[]>();
    for (const { zone: index, handle } of crew.kept.values()) {
      const zone = kernel.attachZone(handle);
      for (let slot = 0; slot < zone.highWater; slot++) {
        const mark = zone.own["mark"]?.[slot] ?? 0;
        if (zone.columns.alive[slot] === 1) found.set(mark, [...(found.get(mark) ?? []), `zone-${index}`]);
      }
    }
    const odd: string[] = [];
    for (let mark = 0; mark < settings.zones * settings.npcs; mark++) {
      const where = found.get(mark) ?? [];
      if (where.length !== 1) odd.push(`traveller ${mark} is in ${where.join(" and ") || "no zone"}`);
    }
    return { kills, failures, odd, transfers: venues.transfers };
  } finally {
    await crew.close();
  }
}

async function advanceAndKill({ crew, board }: Awaited<ReturnType<typeof crewOf>>, random: Random, kills: number) {
  const done = crew.advanceTo(TICKS);
  const ticks = Array.from({ length: kills }, () => random.integer(1, TICKS - 10)).sort((a, b) => a - b);
  for (const tick of ticks) {
    await reached(board, tick);
    const slot = random.integer(0, board.slots - 1);
    const isAt = random.pick([
      () => true,
      () => board.zoneOf(slot) >= 0,
      () => board.arrived(slot) < board.tick && board.present(slot) === board.tick - 1,
    ]);
    for (let look = 0; look < LOOKS_MAX && !isAt(); look++);
    await crew.kill(slot);
  }
  await done;
}

function planOf(random: Random, zones: number): Fault[] {
  return Array.from({ length: zones }, (_, i) => {
    return { zone: `zone-${i}`, tick: random.integer(1, TICKS - 1), kind: random.pick(KINDS) };
  });
}

async function reached(board: { readonly tick: number }, tick: number): Promise<void> {
  while (board.tick < tick) await new Promise((resolve) => setTimeout(resolve, 1));
}

/** Looks which slots are back. */
function watch(run: Awaited<ReturnType<typeof faultyCrew>>, faults: readonly Fault[], outagesMs: number[]) {
  const { board, failures } = run;
  let known = 0;
  const away = new Map<number, number>();
  return (): void => {
    for (; known < failures.length; known++) {
      const { slot, zone } = failures[known] ?? { slot: 0, zone: -1 };
      const times = faults.filter((fault) => fault.zone === `zone-${zone}`).map((fault) => run.doneMs(fault) ?? 0);
      // One that was ended from outside may be so in a zone that did nothing.
      away.set(slot, Math.max(...times, 0) || Date.now());
    }
    for (const [slot, sinceMs] of away) {
      if (board.state(slot) >= GONE) continue;
      outagesMs.push(Date.now() - sinceMs);
      away.delete(slot);
    }
  };
}
