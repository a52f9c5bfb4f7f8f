/**
 * How many bytes the host leaves to the garbage collector per tick: 2,000 entities, 50 sessions at 20 snapshots a second, sockets
 * replaced by sinks, because what ws and Node allocate for a write is not the host's to save.
 */
import v8 from "node:v8";
import vm from "node:vm";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { Hub } from "../src/net/hub.js";
import { TickTimes } from "../src/ops/ticks.js";
import { MemoryWire } from "./support/memory-wire.js";
import { field, zonesOf } from "./support/worlds.js";

const ENTITIES = 2000;
const SESSIONS = 50;
const TICKS = 10_000;
const LOOK_EVERY = 10;
const WARM_UP_TICKS = 2000;
const BYTES_PER_TICK_MAX = 2048;

v8.setFlagsFromString("--expose-gc");
const collect: () => void = vm.runInNewContext("gc");

const usedBytes = (): number => v8.getHeapStatistics().used_heap_size;

/**
 * Bytes per call. The heap is looked at every LOOK_EVERY calls, because a collection hides what was allocated before it; the
 * calls around one are left out. What looking itself allocates, some tens of bytes a call, is in the result.
 */
function allocatedBy(call: () => void): number {
  collect();
  let bytes = 0;
  let calls = 0;
  let before = usedBytes();
  for (let i = 0; i < TICKS; i += LOOK_EVERY) {
    for (let n = 0; n < LOOK_EVERY; n++) call();
    const after = usedBytes();
    if (after >= before) {
      bytes += after - before;
      calls += LOOK_EVERY;
    }
    before = after;
  }
  assert.ok(calls > TICKS * 0.9, `${TICKS - calls} of ${TICKS} calls met a collection`);
  return bytes / calls;
}

test("the measure sees an array of 4 KB a call, and nothing where nothing is allocated", () => {
  let kept: number[] = [];
  const nothing = allocatedBy(() => {});
  const seen = allocatedBy(() => {
    kept = new Array<number>(512).fill(kept.length);
  });
  assert.ok(nothing < 256, `${nothing} bytes for nothing`);
  assert.ok(seen > 2000 && seen < 5000, `${seen} bytes for an array`);
});

test(`${SESSIONS} sessions among ${ENTITIES} entities leave under ${BYTES_PER_TICK_MAX} bytes of garbage a tick`, async () => {
  const zones = await zonesOf({ map: field(192), npcs: ENTITIES - SESSIONS - 8, bots: 8 });
  const hub = new Hub({ zones, tickRate: 60, snapshotRate: 20, sessionsMax: SESSIONS, nowMs: 0 });
  const times = new TickTimes();
  const wires = Array.from({ length: SESSIONS }, () => new MemoryWire(false));
  const sessions = wires.map((wire) => hub.open(wire, "binary"));
  for (const session of sessions) session.receiveText('{"type":"join","name":"somebody"}', 33);
  let nowMs = 0;
  const tick = (): void => {
    zones.step();
    hub.publish(nowMs);
    times.record(0, 0, 0);
    nowMs += 1000 / 60;
    for (const session of sessions) session.receivePong();
  };
  for (let i = 0; i < WARM_UP_TICKS; i++) tick();
  const perTick = allocatedBy(tick);
  const frames = wires.reduce((sum, wire) => sum + wire.frameCount, 0);
  const bytes = wires.reduce((sum, wire) => sum + wire.frameBytes, 0);
  console.log(`${perTick.toFixed(0)} bytes of garbage a tick; a frame has ${(bytes / frames).toFixed(0)} bytes`);
  assert.is(hub.sessions, SESSIONS);
  assert.ok(frames > (SESSIONS * TICKS) / 4, `${frames} frames were sent`);
  assert.ok(perTick < BYTES_PER_TICK_MAX, `${perTick} bytes a tick`);
  zones.close();
});

test.run();
