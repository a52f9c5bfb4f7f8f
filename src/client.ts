/** `gyre/client`: connect to a server, decode what it sends, show it smoothly. No dependencies; loads in Node and in browsers. */
export {
  Connection,
  type ConnectionEvents,
  type ConnectOptions,
  connect,
  type Stats,
  type ViewRect,
  type WatchOptions,
  watch,
} from "./client/connection.js";
export type { StateView } from "./client/state-end.js";
export type { Tracks } from "./client/tracks.js";
export { ERROR_CODES, type ErrorCode, GyreError } from "./errors.js";
export type { EntityId } from "./kernel/types.js";
export type { GateInfo, KindInfo, ZoneInfo } from "./protocol/control.js";
export type { ColumnInfo } from "./protocol/fields.js";
export type { RemoteEntity } from "./protocol/remote-entity.js";
