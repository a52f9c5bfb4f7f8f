/** What {@link connect} and {@link watch} take, and its checks. */
import { GyreError } from "../errors.js";
import type { SocketClass } from "./socket.js";
import type { ViewRect } from "./types.js";
import type { FetchMap } from "./zone-map.js";

/** Milliseconds of {@link CommonOptions.interpolationDelay}, at most: what the history has to cover. */
const INTERPOLATION_MS_MAX = 2000;
/** Milliseconds of {@link CommonOptions.silenceMs}, at least: below, an ordinary round trip is silence, and pings are a flood. */
const SILENCE_MS_MIN = 100;

export interface CommonOptions {
  /** Of a zone, or of a template of rooms: one is placed into one of them. Default: the server's first zone, or template. */
  zone?: string;
  /** How snapshots come. Default: the server's, `binary` where that says nothing. */
  format?: "binary" | "json";
  /** How changes of the state tree come. Default: `msgpack`, with the format `json` as that; `plain` is for people to read. */
  state?: "msgpack" | "json" | "plain";
  /** Milliseconds that {@link Connection.sample} looks back, 0 to 2,000. Default: as the connection needs, up to 500. */
  interpolationDelay?: number;
  /** Whether a connection that was lost is taken up again. Default true. */
  reconnect?: boolean;
  /** Milliseconds for which that is tried; Infinity for ever. Default 10,000: a player's seat is kept no longer. */
  reconnectMs?: number;
  /** Milliseconds for which nothing may come while a ping is out, 100 or more, before the line is taken for dead and lost; Infinity for ever. Default 4,000. */
  silenceMs?: number;
  /** Default: the engine's, else that of the package `ws`. */
  WebSocket?: SocketClass;
  /** Local time in milliseconds, as {@link Connection.sample} takes it. Default `performance.now`. */
  now?: () => number;
  /** Numbers from 0 to 1, for clients that lost their server at once not to come back at once. Default `Math.random`. */
  random?: () => number;
}

export interface ConnectOptions extends CommonOptions {
  /** 1 to 32 characters. */
  name: string;
  /** Whether the own entity is predicted: see {@link Connection.predicted}. It loads the kernel, and the zone's map. Default false. */
  predict?: boolean;
  /** Where the map comes from, with `predict`. Default: the engine's fetch. */
  fetch?: FetchMap;
  /** Whether one joins anew when the seat is gone that a lost connection had. Default false. */
  rejoin?: boolean;
}

export interface WatchOptions extends CommonOptions {
  view: ViewRect;
}

/** Throws BAD_ARGUMENT. */
export function checkedAddress(url: string, options: CommonOptions): URL {
  const { interpolationDelay: delay, reconnectMs, silenceMs, format } = options;
  if (delay !== undefined && !(delay >= 0 && delay <= INTERPOLATION_MS_MAX)) {
    throw new GyreError("BAD_ARGUMENT", `interpolationDelay ${delay} is not 0 to ${INTERPOLATION_MS_MAX} ms`);
  }
  if (reconnectMs !== undefined && !(reconnectMs >= 0)) {
    throw new GyreError("BAD_ARGUMENT", `reconnectMs ${reconnectMs} is not a time`);
  }
  if (format !== undefined && format !== "binary" && format !== "json") {
    throw new GyreError("BAD_ARGUMENT", `format ${JSON.stringify(format)} is neither "binary" nor "json"`);
  }
  if (silenceMs !== undefined && !(silenceMs >= SILENCE_MS_MIN)) {
    throw new GyreError("BAD_ARGUMENT", `silenceMs ${silenceMs} is not ${SILENCE_MS_MIN} ms or more`);
  }
  if (!URL.canParse(url)) throw new GyreError("BAD_ARGUMENT", `${JSON.stringify(url)} is not an address`);
  const address = new URL(url);
  if (format !== undefined) address.searchParams.set("format", format);
  if (options.state !== undefined) address.searchParams.set("state", options.state);
  return address;
}

/** Throws BAD_ARGUMENT. */
export function checkedRect({ x0, y0, x1, y1 }: ViewRect): ViewRect {
  if (!(x0 <= x1 && y0 <= y1 && [x0, y0, x1, y1].every(Number.isFinite))) {
    throw new GyreError("BAD_ARGUMENT", `view ${x0}, ${y0}, ${x1}, ${y1}`);
  }
  return { x0, y0, x1, y1 };
}
