/**
 * Walkers that fail when they are told to: the environment says which zone does what in which tick, and a file in a folder that each of
 * these was done, so that a thread which does that tick again does not fail again. What else happens in a zone does not depend on it.
 */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineGame, type GameDefinition } from "gyre";
import { BRAWLERS } from "../support/brawlers.js";

/** An error, a trap, the end of its thread, a loop for ever in script or in WebAssembly. */
export const KINDS = ["throw", "trap", "exit", "loop", "spin"] as const;

export interface Fault {
  readonly zone: string;
  readonly tick: number;
  readonly kind: (typeof KINDS)[number];
  /** In each tick from that on. */
  readonly always?: boolean;
}

export const FAULTS = "TEST_FAULTS";
export const FOLDER = "TEST_FAULTS_FOLDER";
/** Whether the module cannot be loaded (any more). */
export const BROKEN = "TEST_FAULTS_BROKEN";
if (process.env[BROKEN] !== undefined) throw new Error("the game is broken");

const faults = new Map<string, Fault>();
const lasting = new Map<string, Fault>();
for (const fault of JSON.parse(process.env[FAULTS] ?? "[]") as Fault[]) {
  if (fault.always === true) lasting.set(fault.zone, fault);
  else faults.set(`${fault.zone} ${fault.tick}`, fault);
}

/** (module (func (export "trap") unreachable) (func (export "spin") (loop (br 0)))) */
const CODE = `
  00 61 73 6d 01 00 00 00  01 04 01 60 00 00  03 03 02 00 00
  07 0f 02 04 74 72 61 70 00 00 04 73 70 69 6e 00 01
  0a 0d 02 03 00 00 0b 07 00 03 40 0c 00 0b 0b`;
const bytes = Uint8Array.from(CODE.trim().split(/\s+/), (byte) => Number.parseInt(byte, 16));
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
const { trap, spin } = exports as Record<"trap" | "spin", () => void>;

function fail({ zone, tick, kind, always = false }: Fault): void {
  const file = join(process.env[FOLDER] ?? "", `${zone} ${tick}`);
  if (existsSync(file) && !always) return;
  // When it was done is what the file is read for.
  writeFileSync(file, kind);
  if (kind === "throw") throw new Error("a fault");
  if (kind === "trap") trap();
  if (kind === "exit") process.exit(7);
  if (kind === "spin") spin();
  if (kind === "loop") for (;;);
}

export const definition: GameDefinition<{ rounds: number }> = {
  name: "faults",
  capacity: 200,
  archetypes: { ...BRAWLERS, drifter: { ...BRAWLERS.drifter, respawn: 1 } },
  state: () => ({ rounds: 0 }),
  setup(world) {
    for (let i = 0; i < world.settings.npcs; i++) {
      const { x, y } = world.freePlace("drifter");
      world.spawn("drifter", x, y);
    }
    world.after(10, "round");
  },
  join: (world) => world.spawn("walker", 200 + (world.random() % 100), 200 + (world.random() % 100)),
  timer(world) {
    world.state.rounds += world.random() % 7;
    world.after(5 + (world.random() % 20), "round");
    world.tell("round", world.state.rounds);
  },
  systems: [
    {
      name: "fail",
      every: 1,
      run(world) {
        // In the middle of a tick that has changed something already.
        world.state.rounds++;
        const fault = faults.get(`${world.name} ${world.tick}`) ?? lasting.get(world.name);
        if (fault !== undefined && world.tick >= fault.tick) fail(fault);
      },
    },
  ],
};

export default defineGame(definition);
