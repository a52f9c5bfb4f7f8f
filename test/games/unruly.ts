/**
 * The crossing game on threads that are not what they should be: they stand still now and then, zone-2 fails once, zone-3 from a tick on
 * always. Without threads only that last one.
 */
import { isMainThread } from "node:worker_threads";
import { defineGame, type GameDefinition } from "gyre";
import { definition as crossing } from "./crossing.js";

type Crossing = typeof crossing;
type Parts = Crossing extends GameDefinition<infer S, infer C> ? [S, C] : never;

/** Ticks: zone-3 fails from this one on. */
export const FAILS_FROM = 250;

const never = new Int32Array(new SharedArrayBuffer(4));
let hasFailed = false;

export const definition: GameDefinition<Parts[0], Parts[1]> = {
  ...crossing,
  name: "unruly",
  systems: [
    ...(crossing.systems ?? []),
    {
      name: "stall",
      every: 1,
      run({ name, zone: { tick } }) {
        if (name === "zone-3" && tick >= FAILS_FROM) throw new Error("it always does");
        if (isMainThread) return;
        // 60 to 180 ms, each zone in other ticks; nothing of what it does depends on it.
        const zone = Number(name.slice(5));
        if ((tick + 17 * zone) % 61 === 0) Atomics.wait(never, 0, 0, 60 + ((tick * 7) % 121));
        if (name !== "zone-2" || tick !== 100 || hasFailed) return;
        hasFailed = true;
        throw new Error("just this once");
      },
    },
  ],
};

export default defineGame(definition);
