/** Sim workers that fail: what their zones come to, and what the others notice of it. */
// slow

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer, type Game, type GyreServer, type ServerEvent } from "gyre";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { BROKEN, FAULTS, type Fault, FOLDER } from "./games/faults.js";
import { TestClient } from "./support/client.js";
import { EFFORT } from "./support/effort.js";
import { killAtGates, killAtSteps, runFaults } from "./support/faults.js";
import { until } from "./support/until.js";

test("errors, traps, exits and loops for ever of zones, and threads that are ended, leave all zones as if nothing had been", async () => {
  let count = 0;
  for (let seed = 1; seed <= EFFORT; seed++) {
    const { faults, kills, odd } = await runFaults(seed);
    assert.equal(odd, [], `seed ${seed}`);
    count += faults.length + kills;
  }
  assert.ok(count >= 15 * EFFORT, `${count} faults`);
});

test("threads that are ended while they step zones of whoever has them, the one that lends them too, leave all zones as they would be", async () => {
  for (let seed = 1; seed <= EFFORT; seed++) {
    const { kills, failures, odd } = await killAtSteps(seed);
    assert.equal(odd, [], `seed ${seed}`);
    assert.is(failures.length, kills);
  }
});

test("threads that are ended while all go to and fro between their zones lose nobody, and double nobody", async () => {
  let transfers = 0;
  for (let seed = 1; seed <= EFFORT; seed++) {
    const run = await killAtGates(seed);
    assert.equal(run.odd, [], `seed ${seed}`);
    assert.is(run.failures.length, run.kills);
    transfers += run.transfers;
  }
  assert.ok(transfers > 50 * EFFORT, `${transfers} went through gates`);
});

/** A server of four zones on two threads, and a player in each of the first two: zone-1 and zone-3 are at home with sim-1. */
async function serve(
  faults: readonly Fault[],
  use: (server: GyreServer, players: readonly TestClient[], events: readonly ServerEvent[]) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "gyre-faults-"));
  process.env[FAULTS] = JSON.stringify(faults);
  process.env[FOLDER] = folder;
  const { default: game }: { default: Game } = await import(new URL("games/faults.js", import.meta.url).href);
  const events: ServerEvent[] = [];
  const onEvent = (event: ServerEvent): unknown => events.push(event);
  const server = await createServer({ game, port: 0, zones: 4, npcs: 20, bots: 2, threads: 2, onEvent });
  try {
    const players = await Promise.all(["zone-0", "zone-1"].map((zone) => playerIn(server, zone)));
    await use(server, players, events);
  } finally {
    await server.close();
    rmSync(folder, { recursive: true });
    for (const name of [FAULTS, FOLDER, BROKEN]) delete process.env[name];
  }
}

async function playerIn({ ws }: GyreServer, zone: string): Promise<TestClient> {
  const client = await TestClient.open(ws);
  client.send({ type: "join", name: "ann", zone });
  await client.reply("welcome");
  return client;
}

const tickOf = ({ zones }: GyreServer, zone: string): number => zones.get(zone)?.tick ?? 0;
const codes = ({ replies }: TestClient): unknown[] =>
  replies.filter(({ type }) => type === "error").map(({ code }) => code);

/** It goes on, by more ticks than there may have been on their way. */
async function goesOn(server: GyreServer, zone: string): Promise<void> {
  const tick = tickOf(server, zone);
  await until(`${zone} goes on after tick ${tick}`, () => tickOf(server, zone) > tick + 10);
}

test("a zone that hangs is taken up by another thread, with its players; the others have gone on meanwhile", async () => {
  await serve([{ zone: "zone-1", tick: 90, kind: "loop" }], async (server, players, events) => {
    await until("the thread is replaced", () => events.length > 0);
    // Nobody waited for it: half a second is thirty ticks.
    assert.ok(tickOf(server, "zone-0") > 90 + 20, `zone-0 is at tick ${tickOf(server, "zone-0")}`);
    assert.equal(events, [
      { event: "thread-restarted", thread: "sim-1", zone: "zone-1", message: "sim-1 did not move on for 500 ms" },
    ]);
    for (const zone of server.zoneNames) await goesOn(server, zone);
    for (const player of players) {
      const { length } = player.frames;
      await until("snapshots go on", () => player.frames.length > length + 5);
      assert.equal([player.closedWith, codes(player)], [0, []]);
    }
    const metrics = await (await fetch(`${server.http}/metrics`)).text();
    assert.match(metrics, /^gyre_thread_restarts_total\{thread="sim-1"\} 1$/m);
    assert.match(metrics, /^gyre_zone_failures\{zone="zone-1"\} 1$/m);
    assert.match(metrics, /^gyre_zone_restarts\{zone="zone-1"\} 1$/m);
    assert.match(metrics, /^gyre_zone_stopped\{zone="zone-1"\} 0$/m);
  });
});

for (const kind of ["exit", "throw"] as const) {
  test(`a zone whose ${kind} comes again each time is stopped at the third, with its reason; the others at home with it go on`, async () => {
    await serve([{ zone: "zone-1", tick: 90, kind, always: true }], async (server, [ann, ben], events) => {
      if (ann === undefined || ben === undefined) throw new Error("two players");
      await until("zone-1 is stopped", () => events.some(({ event }) => event === "zone-stopped"));
      const why = kind === "exit" ? /zone-1: sim-1 ended by itself with status 7; it failed three times/ : /a fault/;
      const stopped = events.find(({ event }) => event === "zone-stopped");
      assert.ok(stopped?.event === "zone-stopped" && stopped.zone === "zone-1" && stopped.code === "GAME_FAILED");
      assert.match(stopped.message, why);
      assert.is(events.filter(({ event }) => event === "thread-restarted").length, kind === "exit" ? 3 : 0);
      await until("ben hears of it", () => codes(ben).includes("ZONE_STOPPED"));
      for (const zone of ["zone-0", "zone-2", "zone-3"]) await goesOn(server, zone);
      ben.send({ type: "join", name: "ben", zone: "zone-1" });
      await until("zone-1 is closed", () => codes(ben).length === 2);
      ben.send({ type: "join", name: "ben", zone: "zone-3" });
      await ben.reply("welcome", 1);
      assert.equal(codes(ann), []);
      const metrics = await (await fetch(`${server.http}/metrics`)).text();
      assert.match(metrics, /^gyre_zone_stopped\{zone="zone-1"\} 1$/m);
      const reason = /^gyre_zone_stopped_reason\{zone="(.*)",reason="(.*)"\} 1$/m.exec(metrics);
      assert.is(reason?.[1], "zone-1");
      assert.match(reason?.[2] ?? "", why);
    });
  });
}

test("a thread whose place no other can take gives its zones up after three tries; what is at home elsewhere goes on", async () => {
  await serve([{ zone: "zone-1", tick: 90, kind: "exit" }], async (server, [ann, ben], events) => {
    if (ann === undefined || ben === undefined) throw new Error("two players");
    process.env[BROKEN] = "1";
    const stopped = (): string[] => events.flatMap((one) => (one.event === "zone-stopped" ? one.zone : []));
    await until("its zones are stopped", () => stopped().length === 2);
    assert.equal(stopped(), ["zone-1", "zone-3"]);
    assert.equal(
      events.flatMap((one) => (one.event === "thread-restarted" ? [one.zone] : [])),
      ["zone-1", "", "", ""],
    );
    const last = events.find(({ event }) => event === "zone-stopped");
    assert.match(last?.event === "zone-stopped" ? last.message : "", /the game is broken/);
    await until("ben hears of it", () => codes(ben).includes("ZONE_STOPPED"));
    for (const zone of ["zone-0", "zone-2"]) await goesOn(server, zone);
    assert.equal(codes(ann), []);
    ben.send({ type: "join", name: "ben", zone: "zone-2" });
    await ben.reply("welcome", 1);
  });
});

test.run();
