/** A server whose clock is the test: sockets are real, ticks come when they are asked for. */
import { Hub } from "../../src/net/hub.js";
import type { Page } from "../../src/net/pages.js";
import { NetServer } from "../../src/net/server.js";
import type { Zones } from "../../src/sim/zones.js";
import { until } from "./until.js";
import { type TestZones, zonesOf } from "./worlds.js";

export interface TestHostOptions {
  zones?: Partial<TestZones>;
  sessionsMax?: number;
  snapshotRate?: number;
  pages?: ReadonlyMap<string, Page>;
}

export class TestHost {
  nowMs = 0;

  private constructor(
    readonly zones: Zones,
    readonly hub: Hub,
    readonly net: NetServer,
    readonly http: string,
    readonly ws: string,
  ) {}

  static async start(options: TestHostOptions = {}): Promise<TestHost> {
    const zones = await zonesOf(options.zones);
    const { sessionsMax = 64, snapshotRate = 20, pages = new Map() } = options;
    const tickRate = options.zones?.tickRate ?? 60;
    const hub = new Hub({ zones, tickRate, snapshotRate, sessionsMax, nowMs: 0 });
    const net = new NetServer({ hub, zones, pages, sessionsMax, answers: {} });
    const authority = `127.0.0.1:${await net.listen("127.0.0.1", 0)}`;
    return new TestHost(zones, hub, net, `http://${authority}`, `ws://${authority}/ws`);
  }

  tick(count = 1): void {
    for (let i = 0; i < count; i++) {
      this.nowMs += 1000 / 60;
      this.zones.step();
      this.hub.publish(this.nowMs);
    }
  }

  /** Waits until the server has received this many messages in all. */
  async received(messages: number): Promise<void> {
    await until(`${messages} messages arrived`, () => this.hub.counters.messagesIn >= messages);
  }

  async close(): Promise<void> {
    await this.net.close();
    this.zones.close();
  }
}
