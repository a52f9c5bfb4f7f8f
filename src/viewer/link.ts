/**
 * The page's connections: one that watches what the camera sees, for as long as the page is open, and one that plays while the
 * visitor does. A lost one takes itself up again; the first one is tried with growing pauses, and so is one that the server does not want to go
 * on. The visitor sees what is going on.
 */
import { type Connection, connect, GyreError, type ViewRect, watch, type ZoneInfo } from "../client.js";

/** Milliseconds before the first retry; each further one waits twice as long. */
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 8000;
/** Milliseconds between two changes of the view, at least: five a second are smooth enough with the margin. */
const VIEW_MS_MIN = 200;
/** What is asked for around the screen, as a share of it, so that panning shows no gaps. */
const MARGIN = 0.3;

export interface LinkEvents {
  /** A new connection watches, or the one there is watches another zone. */
  opened(connection: Connection): void;
  /** The game tells something: to the visitor's player, or to all who watch. */
  told(name: string, data: unknown): void;
  /** The visitor's player is in another zone, or is somebody else. */
  moved(player: Connection): void;
  /** What to tell the visitor; null when all is well. */
  notice(text: string | null): void;
}

export class Link {
  /** The one that watches; null while there is none. */
  connection: Connection | null = null;
  /** The one that plays; null while nobody does. */
  player: Connection | null = null;
  readonly #url: string;
  readonly #zone: string | undefined;
  readonly #events: LinkEvents;
  readonly #asked: ViewRect = { x0: 0, y0: 0, x1: 0, y1: 0 };
  #askedMs = 0;
  #joining = false;

  /** zone: undefined for the server's first. */
  constructor(url: string, zone: string | undefined, events: LinkEvents) {
    this.#url = url;
    this.#zone = zone;
    this.#events = events;
  }

  /** Watches, for as long as the page is open. */
  async run(): Promise<never> {
    for (let retryMs = RETRY_MS_MIN; ; retryMs = Math.min(RETRY_MS_MAX, 2 * retryMs)) {
      let why = "No connection to the server.";
      try {
        await this.#watch();
        retryMs = RETRY_MS_MIN;
      } catch (error) {
        if (!(error instanceof GyreError)) throw error;
        if (error.code !== "CONNECTION_FAILED") why = `${error.message}.`;
      }
      for (let waitMs = retryMs; waitMs > 0; waitMs -= 500) {
        this.#events.notice(`${why} Trying again in ${Math.ceil(waitMs / 1000)} s.`);
        await new Promise((resolve) => setTimeout(resolve, Math.min(500, waitMs)));
      }
      this.#events.notice("Connecting ...");
    }
  }

  /** Resolves when a connection that was made is gone for good. */
  async #watch(): Promise<void> {
    const zone = this.#zone === undefined ? {} : { zone: this.#zone };
    const connection = await watch(this.#url, {
      view: { ...this.#asked },
      ...zone,
      reconnectMs: Number.POSITIVE_INFINITY,
    });
    connection.on("reconnecting", ({ waitMs, error }) => {
      // A room that is closed, say, is not to be waited for: all begins anew.
      if (error.code !== "CONNECTION_FAILED") connection.close();
      else this.#events.notice(`No connection to the server. Trying again in ${Math.ceil(waitMs / 1000)} s.`);
    });
    connection.on("resumed", () => {
      this.#events.notice(null);
      this.#events.opened(connection);
    });
    connection.on("zone", () => this.#events.opened(connection));
    // Who plays hears what its player hears, and not everything twice.
    connection.on("event", ({ name, data }) => this.player === null && this.#events.told(name, data));
    const lost = new Promise<void>((resolve) => void connection.on("close", () => resolve()));
    this.connection = connection;
    this.#askedMs = 0;
    this.#events.notice(null);
    this.#events.opened(connection);
    await lost;
    this.connection = null;
    this.leave();
  }

  /** Asks for what the camera sees, when that is no longer within what was asked for, or is much less. */
  look(visible: ViewRect, nowMs: number): void {
    if (this.connection === null || nowMs - this.#askedMs < VIEW_MS_MIN) return;
    const { x0, y0, x1, y1 } = visible;
    const asked = this.#asked;
    const within = x0 >= asked.x0 && y0 >= asked.y0 && x1 <= asked.x1 && y1 <= asked.y1;
    const muchLess = x1 - x0 < (asked.x1 - asked.x0) / (2 + 2 * MARGIN);
    if (within && !muchLess && this.#askedMs > 0) return;
    const [marginX, marginY] = [(x1 - x0) * MARGIN, (y1 - y0) * MARGIN];
    this.#ask({ x0: x0 - marginX, y0: y0 - marginY, x1: x1 + marginX, y1: y1 + marginY }, nowMs);
  }

  /** Asks for next to nothing, while nobody looks at the page. */
  rest(): void {
    const x = (this.#asked.x0 + this.#asked.x1) / 2;
    const y = (this.#asked.y0 + this.#asked.y1) / 2;
    this.#ask({ x0: x, y0: y, x1: x, y1: y }, 0);
  }

  #ask(rect: ViewRect, nowMs: number): void {
    Object.assign(this.#asked, rect);
    this.#askedMs = nowMs;
    this.connection?.view(rect);
  }

  /** Becomes a player of the zone that is watched, unless it is one. Resolves to null when that fails. */
  async join(name: string): Promise<Connection | null> {
    if (this.connection === null || this.#joining) return null;
    if (this.player !== null) return this.player;
    this.#joining = true;
    try {
      const { zone } = this.connection;
      // A server that was started anew knows the player no more: the visitor goes on as another one.
      const options = { predict: true, rejoin: true };
      const player = await connect(this.#url, { name, zone: zone.template ?? zone.name, ...options });
      player.on("close", (_code, _reason, error) => {
        if (this.player !== player) return;
        this.player = null;
        if (error !== null) this.#events.told(error.code, error.message);
      });
      player.on("event", ({ name, data }) => this.#events.told(name, data));
      player.on("error", ({ code, message }) => this.#events.told(code, message));
      player.on("you", () => this.#events.moved(player));
      player.on("zone", (zone) => this.#follow(zone));
      this.player = player;
      // It was placed into another room than the one that is watched.
      if (player.zone.name !== zone.name) this.#follow(player.zone);
      return player;
    } catch (error) {
      this.#events.notice(error instanceof GyreError ? `Cannot join: ${error.message}` : String(error));
      return null;
    } finally {
      this.#joining = false;
    }
  }

  /** Watches the zone that the player is in. */
  #follow({ name, width, height }: Readonly<ZoneInfo>): void {
    // The next look of the camera says where.
    this.connection?.view({ x0: width / 2, y0: height / 2, x1: width / 2, y1: height / 2 }, name);
    this.#askedMs = 0;
  }

  leave(): void {
    this.player?.close();
    this.player = null;
  }
}
