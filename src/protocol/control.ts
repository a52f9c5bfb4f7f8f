/**
 * Control messages: the JSON text frames of `gyre.1`, both directions. The parser is the server's border: it takes any text
 * and returns a message of exactly the documented form, or throws BAD_MESSAGE naming what is wrong. It knows no sockets and
 * no simulation. Costs one JSON.parse and one small object a message; text is bounded by the frame limit of the socket.
 */
import { GyreError } from "../errors.js";

/** The WebSocket subprotocol. */
export const SUBPROTOCOL = "gyre.1";

/** Bytes of the longest message a client may send: the longest real one is a view of about 200. */
export const MESSAGE_BYTES_MAX = 1024;

/** Characters of a player's or a zone's name: what a label above a head can show. */
export const NAME_LENGTH_MAX = 32;

/** Input sequence numbers are u32, as in a snapshot frame. */
const SEQ_MAX = 0xffff_ffff;

export interface JoinMessage {
  type: "join";
  name: string;
  /** The server's first zone when absent. */
  zone?: string;
}

export interface InputMessage {
  type: "input";
  /** u32; comes back as `ack` once the simulation has applied it. */
  seq: number;
  /** Wish direction; a length above 1 is clamped to 1. Holds until the next input. */
  dx: number;
  dy: number;
  action?: string;
}

export interface PingMessage {
  type: "ping";
  /** Any finite number; comes back as it is. */
  t: number;
}

export interface LeaveMessage {
  type: "leave";
}

export interface ViewMessage {
  type: "view";
  /** World units, x0 <= x1 and y0 <= y1; may reach beyond the zone. */
  x0: number;
  y0: number;
  x1: number;
  y1: number;
  /** The zone seen last, or the server's first zone, when absent. */
  zone?: string;
}

export type ClientMessage = JoinMessage | InputMessage | PingMessage | LeaveMessage | ViewMessage;

/** What a client needs to know of its zone. */
export interface ZoneInfo {
  name: string;
  /** World units. */
  width: number;
  height: number;
  tileSize: number;
}

export interface WelcomeMessage {
  type: "welcome";
  /** The entity that is the session's own. */
  you: number;
  tick: number;
  tickRate: number;
  snapshotRate: number;
  zone: ZoneInfo;
}

export interface WatchingMessage {
  type: "watching";
  tick: number;
  tickRate: number;
  snapshotRate: number;
  zone: ZoneInfo;
}

export interface ErrorMessage {
  type: "error";
  /** From the error table; a plain string, because a client may be older than its server. */
  code: string;
  message: string;
}

export interface PongMessage {
  type: "pong";
  t: number;
  tick: number;
}

export type ServerMessage = WelcomeMessage | WatchingMessage | ErrorMessage | PongMessage;

type Fields = Record<string, unknown>;

/** One client message from its text. Unknown fields are dropped. Throws BAD_MESSAGE. */
export function parseClientMessage(text: string): ClientMessage {
  const fields = parseObject(text);
  switch (fields["type"]) {
    case "join":
      return withZone({ type: "join", name: label(fields, "name") }, fields);
    case "input":
      return withAction(
        { type: "input", seq: seq(fields), dx: finite(fields, "dx"), dy: finite(fields, "dy") },
        fields,
      );
    case "ping":
      return { type: "ping", t: finite(fields, "t") };
    case "leave":
      return { type: "leave" };
    case "view":
      return withZone(rectangle(fields), fields);
    default:
      throw bad(`unknown message type ${shown(fields["type"])}`);
  }
}

/** One control message of a server from its text. Throws BAD_MESSAGE. */
export function parseServerMessage(text: string): ServerMessage {
  const fields = parseObject(text);
  switch (fields["type"]) {
    case "welcome":
      return { type: "welcome", you: finite(fields, "you"), ...session(fields) };
    case "watching":
      return { type: "watching", ...session(fields) };
    case "error":
      return { type: "error", code: string(fields, "code"), message: string(fields, "message") };
    case "pong":
      return { type: "pong", t: finite(fields, "t"), tick: finite(fields, "tick") };
    default:
      throw bad(`unknown message type ${shown(fields["type"])}`);
  }
}

function parseObject(text: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw bad(`not JSON: ${shown(text)}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw bad(`not an object: ${shown(value)}`);
  return value as Fields;
}

function withZone<T extends JoinMessage | ViewMessage>(message: T, fields: Fields): T {
  if (fields["zone"] !== undefined) message.zone = label(fields, "zone");
  return message;
}

function withAction(message: InputMessage, fields: Fields): InputMessage {
  if (fields["action"] !== undefined) message.action = label(fields, "action");
  return message;
}

function rectangle(fields: Fields): ViewMessage {
  const [x0, y0] = [finite(fields, "x0"), finite(fields, "y0")];
  const [x1, y1] = [finite(fields, "x1"), finite(fields, "y1")];
  if (x0 > x1) throw bad(`x0 ${x0} is right of x1 ${x1}`);
  if (y0 > y1) throw bad(`y0 ${y0} is below y1 ${y1}`);
  return { type: "view", x0, y0, x1, y1 };
}

function session(fields: Fields) {
  const zone = fields["zone"];
  if (typeof zone !== "object" || zone === null) throw bad(`zone is ${shown(zone)}, not an object`);
  const of = zone as Fields;
  return {
    tick: finite(fields, "tick"),
    tickRate: finite(fields, "tickRate"),
    snapshotRate: finite(fields, "snapshotRate"),
    zone: {
      name: string(of, "name"),
      width: finite(of, "width"),
      height: finite(of, "height"),
      tileSize: finite(of, "tileSize"),
    },
  };
}

function string(fields: Fields, field: string): string {
  const value = fields[field];
  if (typeof value !== "string") throw bad(`${field} is ${shown(value)}, not a string`);
  return value;
}

/** A short printable name: it ends up on other people's screens. */
function label(fields: Fields, field: string): string {
  const value = string(fields, field);
  if (value.length === 0 || value.length > NAME_LENGTH_MAX) {
    throw bad(`${field} has ${value.length} characters, not 1 to ${NAME_LENGTH_MAX}`);
  }
  if (/[\p{Cc}\p{Cs}]/u.test(value)) throw bad(`${field} ${shown(value)} has control characters`);
  return value;
}

function finite(fields: Fields, field: string): number {
  const value = fields[field];
  // JSON has no NaN, but 1e999 parses as Infinity.
  if (typeof value !== "number" || !Number.isFinite(value))
    throw bad(`${field} is ${shown(value)}, not a finite number`);
  return value;
}

function seq(fields: Fields): number {
  const value = finite(fields, "seq");
  if (!Number.isInteger(value) || value < 0 || value > SEQ_MAX) throw bad(`seq ${value} is not a u32`);
  return value;
}

/** A value as an error message shows it: one line, at most 40 characters. */
function shown(value: unknown): string {
  const text = typeof value === "number" ? String(value) : (JSON.stringify(value) ?? String(value));
  return text.length <= 40 ? text : `${text.slice(0, 37)}...`;
}

function bad(message: string): GyreError {
  return new GyreError("BAD_MESSAGE", message);
}
