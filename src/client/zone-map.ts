/** A zone's tiles, as the server hands them out over HTTP beside its WebSocket: see docs/wire.md. */
import { GyreError } from "../errors.js";

/** Bytes before the tiles: u32 width, u32 height (tiles), f32 tileSize (units); little endian. */
const HEADER_SIZE = 12;

export interface ZoneMap {
  /** Tiles. */
  readonly width: number;
  readonly height: number;
  /** Row by row: 0 ground, anything else blocked. */
  readonly tiles: Uint8Array;
}

/** What is needed of the engine's fetch. */
export type FetchMap = (url: string) => Promise<{
  readonly ok: boolean;
  readonly status: number;
  arrayBuffer(): Promise<ArrayBuffer>;
}>;

/** Where the map is of a zone that is played at this address: beside it. */
export function mapUrl(socket: URL, zone: string): string {
  const url = new URL(`zones/${encodeURIComponent(zone)}/map`, socket);
  url.protocol = socket.protocol.replace("ws", "http");
  return url.href;
}

/** Rejects with CONNECTION_FAILED, or MAP_BAD. */
export async function fetchMap(url: string, fetch: FetchMap): Promise<ZoneMap> {
  let bytes: ArrayBuffer;
  try {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`status ${response.status}`);
    bytes = await response.arrayBuffer();
  } catch (error) {
    throw new GyreError("CONNECTION_FAILED", `${url}: ${error instanceof Error ? error.message : String(error)}`);
  }
  return readMap(bytes);
}

/** Throws MAP_BAD. */
export function readMap(bytes: ArrayBuffer): ZoneMap {
  if (bytes.byteLength < HEADER_SIZE) throw new GyreError("MAP_BAD", `a map of ${bytes.byteLength} bytes`);
  const header = new DataView(bytes);
  const [width, height] = [header.getUint32(0, true), header.getUint32(4, true)];
  if (width * height !== bytes.byteLength - HEADER_SIZE) {
    throw new GyreError("MAP_BAD", `${width} x ${height} tiles in ${bytes.byteLength} bytes`);
  }
  return { width, height, tiles: new Uint8Array(bytes, HEADER_SIZE) };
}
