/**
 * `gyre/client`: connect to a server, decode what it sends, show it smoothly, predict one's own entity. No dependencies; loads in Node and in
 * browsers.
 */
export type { CellView } from "./client/cells.js";
export { Connection, connect, watch } from "./client/connection.js";
export type { CommonOptions, ConnectOptions, WatchOptions } from "./client/options.js";
export type { SocketClass } from "./client/socket.js";
export type { StateView } from "./client/state-end.js";
export type { Tracks } from "./client/tracks.js";
export type {
  ConnectionEvents,
  EntityOf,
  EventOf,
  GameTypes,
  Predicted,
  Retry,
  Stats,
  ViewRect,
} from "./client/types.js";
export type { FetchMap } from "./client/zone-map.js";
export { ERROR_CODES, type ErrorCode, GyreError } from "./errors.js";
export type { EntityId } from "./kernel/types.js";
export type { GateInfo, KindInfo, ZoneInfo } from "./protocol/control.js";
export type { ColumnInfo } from "./protocol/fields.js";
export type { RemoteEntity } from "./protocol/remote-entity.js";
