/** Sessions with connections in memory, on a server whose clock is the test. */
import { Hub } from "../../src/net/hub.js";
import type { Format, Session } from "../../src/net/session.js";
import type { KindInfo } from "../../src/protocol/control.js";
import type { Zones } from "../../src/sim/zones.js";
import { headsOf } from "./frame-heads.js";
import { MemoryWire } from "./memory-wire.js";
import { countedTokens } from "./tokens.js";
import { type TestZones, zonesOf } from "./worlds.js";

export class Room {
  nowMs = 0;

  constructor(
    readonly zones: Zones,
    readonly hub: Hub,
  ) {}

  /** joinsPerTick: where it is about that; else who joins at once is in at once. */
  static async open(
    spec: Partial<TestZones> = {},
    kinds: readonly KindInfo[] = [],
    joinsPerTick = Number.POSITIVE_INFINITY,
  ): Promise<Room> {
    const zones = await zonesOf({ players: 1000, ...spec });
    const { tickRate = 60, seed = 1 } = spec;
    return new Room(
      zones,
      new Hub({
        zones,
        tickRate,
        snapshotRate: 20,
        kinds,
        sessionsMax: 1000,
        nowMs: 0,
        seed,
        makeToken: countedTokens(),
        joinsPerTick,
      }),
    );
  }

  /** On to the next tick that is a snapshot at 20 of 60 Hz. */
  tickToSnapshot(): void {
    do this.tick();
    while (this.zones.tick % 3 !== 0);
  }

  tick(count = 1): void {
    for (let i = 0; i < count; i++) {
      this.nowMs += 1000 / 60;
      this.zones.step();
      this.hub.publish(this.nowMs);
    }
  }
}

/** Where guests come to. */
export interface House {
  readonly hub: Hub;
  tick(count?: number): void;
}

export class Guest<H extends House = Room> {
  readonly wire: MemoryWire;
  readonly session: Session;

  constructor(
    readonly room: H,
    format: Format = "binary",
  ) {
    this.wire = new MemoryWire();
    this.session = room.hub.open(this.wire, format);
  }

  static joined(room: Room, format: Format = "binary"): Guest {
    const guest = new Guest(room, format);
    guest.send({ type: "join", name: "guest" });
    room.tick();
    return guest;
  }

  send(message: object): void {
    const text = JSON.stringify(message);
    this.session.receiveText(text, text.length);
  }

  get replies(): { type: string; code?: string; [field: string]: unknown }[] {
    return this.wire.texts.map((text) => JSON.parse(text));
  }

  get last() {
    return this.replies.at(-1);
  }

  /** The ticks of the binary frames. */
  get ticks(): number[] {
    return headsOf(this.wire.messages).map(({ tick }) => tick);
  }
}
