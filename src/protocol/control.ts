/**
 * Control messages: the JSON text frames of `gyre.1`, both directions. The parser is the server's border: it takes any text
 * and returns a message of exactly the documented form, or throws BAD_MESSAGE naming what is wrong. It knows no sockets and
 * no simulation. Costs one JSON.parse and one small object a message; text is bounded by the frame limit of the socket.
 */
import { GyreError, shown } from "../errors.js";
import { PATTERNS_MAX } from "../state/limits.js";
import { type ColumnInfo, checkColumns, OWN_COLUMNS_MAX } from "./fields.js";

/** The WebSocket subprotocol. */
export const SUBPROTOCOL = "gyre.1";

/** Bytes of the longest message a client may send: the longest real one is a view of about 200. */
export const CLIENT_MESSAGE_BYTES_MAX = 1024;

/** Milliseconds for which a server keeps the seat of a player whose connection was lost, and a client tries to take it up again where nobody says for how long. */
export const RESUME_MS = 10_000;

/** Characters of a player's or a zone's name: what a label above a head can show. */
export const NAME_LENGTH_MAX = 32;

/** Kinds that a zone may tell of: as many as the kernel has archetypes. */
const KINDS_MAX = 256;
/** Gates that a zone may tell of. */
export const GATES_MAX = 256;

export interface JoinMessage {
  type: "join";
  name: string;
  /** The server's first zone when absent. In a game with rooms a template, or a room that is open; the first template when absent. */
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
  /** u32; the tick in whose step it is applied. Late or absent: the next step. */
  tick?: number;
}

interface PingMessage {
  type: "ping";
  /** Any finite number; comes back as it is. */
  t: number;
}

interface LeaveMessage {
  type: "leave";
}

export interface ViewMessage {
  type: "view";
  /** World units, x0 <= x1 and y0 <= y1; may reach beyond the zone. */
  x0: number;
  y0: number;
  x1: number;
  y1: number;
  /** The zone seen last, or the server's first zone, when absent. Of a template the fullest room is seen. */
  zone?: string;
}

interface RepairMessage {
  type: "repair";
  /** An interest cell of which the client knows something that is wrong; a coming frame has it in full, if it is in view. */
  cell: number;
}

export interface ResumeMessage {
  type: "resume";
  /** The token of the last welcome. */
  session: string;
}

export type ClientMessage =
  | ResumeMessage
  | JoinMessage
  | InputMessage
  | PingMessage
  | LeaveMessage
  | ViewMessage
  | RepairMessage;

/** What entities of a kind are; the column `kind` is an index into {@link ZoneInfo.kinds}. */
export interface KindInfo {
  name: string;
  /** Most hp at level 1; 0 for one that cannot be harmed. */
  hp: number;
  /** More of it for each level above 1. */
  levelHp: number;
  /** Half the side of its box, in units. */
  halfSize: number;
}

/** Who stands in the rectangle, in units, is about to go to another zone. */
export interface GateInfo {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
  to: string;
}

/** What a client needs to know of its zone. */
export interface ZoneInfo {
  name: string;
  /** What to join in order to be placed into a room like this one; absent for a zone that is no room. */
  template?: string;
  /** World units. */
  width: number;
  height: number;
  tileSize: number;
  /** Steps per unit in which positions are told. Absent: 16. */
  stepsPerUnit?: number;
  /** Tiles per side of an interest cell. Absent: 32. */
  interestTiles?: number;
  /** The game's columns that are replicated, in the order of the wire; at most 16. */
  columns: readonly ColumnInfo[];
  /** At most {@link KINDS_MAX}. */
  kinds: readonly KindInfo[];
  /** At most {@link GATES_MAX}. */
  gates: readonly GateInfo[];
  /** Patterns of its state tree, by scope; absent when its game has none. */
  sync?: { readonly broadcast: readonly string[]; readonly player: readonly string[] };
}

export interface WelcomeMessage {
  type: "welcome";
  /** The entity that is the session's own; 0 while it has none. */
  you: number;
  tick: number;
  tickRate: number;
  snapshotRate: number;
  /** What resumes the session on another connection, for 10 s after this one is lost. */
  session?: string;
  /** The session goes on that another connection had. */
  resumed?: true;
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

interface PongMessage {
  type: "pong";
  t: number;
  tick: number;
}

/** Something that the game tells. */
interface EventMessage {
  type: "event";
  name: string;
  /** Any JSON. */
  data: unknown;
}

export type ServerMessage = WelcomeMessage | WatchingMessage | ErrorMessage | PongMessage | EventMessage;

type Fields = Record<string, unknown>;

/** One client message from its text. Unknown fields are dropped. Throws BAD_MESSAGE. */
export function parseClientMessage(text: string): ClientMessage {
  const fields = parseObject(text);
  switch (fields["type"]) {
    case "join":
      return withZone({ type: "join", name: label(fields, "name") }, fields);
    case "input":
      return withExtras(
        { type: "input", seq: u32(fields, "seq"), dx: finite(fields, "dx"), dy: finite(fields, "dy") },
        fields,
      );
    case "ping":
      return { type: "ping", t: finite(fields, "t") };
    case "leave":
      return { type: "leave" };
    case "repair":
      return { type: "repair", cell: u32(fields, "cell") };
    case "resume":
      return { type: "resume", session: token(fields) };
    case "view":
      return withZone({ type: "view", ...rectangle(fields) }, fields);
    default:
      throw bad(`unknown message type ${shown(fields["type"])}`);
  }
}

/** One control message of a server from its text. Throws BAD_MESSAGE. */
export function parseServerMessage(text: string): ServerMessage {
  const fields = parseObject(text);
  switch (fields["type"]) {
    case "welcome":
      return { type: "welcome", you: u32(fields, "you"), ...session(fields), ...resumption(fields) };
    case "watching":
      return { type: "watching", ...session(fields) };
    case "error":
      return { type: "error", code: string(fields, "code"), message: string(fields, "message") };
    case "pong":
      return { type: "pong", t: finite(fields, "t"), tick: finite(fields, "tick") };
    case "event":
      if (!("data" in fields)) throw bad("an event has no data");
      return { type: "event", name: label(fields, "name"), data: fields["data"] };
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
  return object(value, "the message");
}

function withZone<T extends JoinMessage | ViewMessage>(message: T, fields: Fields): T {
  if (fields["zone"] !== undefined) message.zone = label(fields, "zone");
  return message;
}

function withExtras(message: InputMessage, fields: Fields): InputMessage {
  if (fields["action"] !== undefined) message.action = label(fields, "action");
  if (fields["tick"] !== undefined) message.tick = u32(fields, "tick");
  return message;
}

function rectangle(fields: Fields): Pick<ViewMessage, "x0" | "y0" | "x1" | "y1"> {
  const [x0, y0] = [finite(fields, "x0"), finite(fields, "y0")];
  const [x1, y1] = [finite(fields, "x1"), finite(fields, "y1")];
  if (x0 > x1) throw bad(`x0 ${x0} is right of x1 ${x1}`);
  if (y0 > y1) throw bad(`y0 ${y0} is below y1 ${y1}`);
  return { x0, y0, x1, y1 };
}

function token(fields: Fields): string {
  const value = string(fields, "session");
  if (!/^[\w-]{22}$/.test(value)) throw bad(`session is ${shown(value)}, not 22 characters of base64url`);
  return value;
}

function resumption(fields: Fields): Pick<WelcomeMessage, "session" | "resumed"> {
  return {
    ...(fields["session"] === undefined ? {} : { session: token(fields) }),
    ...(fields["resumed"] === true ? { resumed: true } : {}),
  };
}

function session(fields: Fields) {
  const of = object(fields["zone"], "zone");
  return {
    tick: finite(fields, "tick"),
    tickRate: finite(fields, "tickRate"),
    snapshotRate: finite(fields, "snapshotRate"),
    zone: {
      name: string(of, "name"),
      ...(of["template"] === undefined ? {} : { template: string(of, "template") }),
      width: finite(of, "width"),
      height: finite(of, "height"),
      tileSize: finite(of, "tileSize"),
      ...(of["stepsPerUnit"] === undefined ? {} : { stepsPerUnit: finite(of, "stepsPerUnit") }),
      ...(of["interestTiles"] === undefined ? {} : { interestTiles: finite(of, "interestTiles") }),
      columns: columns(of),
      kinds: list(of, "kinds", KINDS_MAX).map(kind),
      gates: list(of, "gates", GATES_MAX).map(gate),
      ...(of["sync"] === undefined ? {} : { sync: patterns(object(of["sync"], "sync")) }),
    },
  };
}

function columns(fields: Fields): readonly ColumnInfo[] {
  const found = list(fields, "columns", OWN_COLUMNS_MAX).map((column) => {
    const { step } = column;
    return {
      name: string(column, "name"),
      type: string(column, "type"),
      ...(step !== undefined && { step }),
    } as ColumnInfo;
  });
  try {
    checkColumns(found);
  } catch (error) {
    throw bad((error as GyreError).message);
  }
  return found;
}

function kind(fields: Fields): KindInfo {
  const [hp, levelHp, halfSize] = [finite(fields, "hp"), finite(fields, "levelHp"), finite(fields, "halfSize")];
  return { name: string(fields, "name"), hp, levelHp, halfSize };
}

function gate(fields: Fields): GateInfo {
  const { x0, y0, x1, y1 } = rectangle(fields);
  return { x0, y0, x1, y1, to: string(fields, "to") };
}

function patterns(fields: Fields): { broadcast: readonly string[]; player: readonly string[] } {
  return { broadcast: strings(fields, "broadcast"), player: strings(fields, "player") };
}

function strings(fields: Fields, field: string): readonly string[] {
  const value = fields[field];
  if (!Array.isArray(value) || value.length > PATTERNS_MAX || !value.every((text) => typeof text === "string")) {
    throw bad(`${field} is ${shown(value)}, not a list of up to ${PATTERNS_MAX} strings`);
  }
  return value as string[];
}

function object(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw bad(`${what} is ${shown(value)}, not an object`);
  }
  return value as Fields;
}

/** A list of objects; empty when absent. */
function list(fields: Fields, field: string, most: number): Fields[] {
  const value = fields[field] ?? [];
  if (!Array.isArray(value) || value.length > most)
    throw bad(`${field} is ${shown(value)}, not a list of up to ${most}`);
  return value.map((item) => object(item, `one of ${field}`));
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

function u32(fields: Fields, field: string): number {
  const value = finite(fields, field);
  if (value !== value >>> 0) throw bad(`${field} ${value} is not a u32`);
  return value;
}

function bad(message: string): GyreError {
  return new GyreError("BAD_MESSAGE", message);
}
