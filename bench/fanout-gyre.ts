/** gyre in `fanout`: how a session hands a frame to its socket. The only file of it that knows. */
import { SocketWire, WIRE_HEAD } from "../src/net/wire.js";
import type { Peer, Send } from "./fanout.js";

export function gyreSender({ client, socket, frame }: Peer): Send {
  const wire = new SocketWire(client, socket);
  const bytes = new Uint8Array(frame.buffer as ArrayBuffer, frame.byteOffset, frame.length);
  return (_, flushed) => wire.sendBytes(bytes, WIRE_HEAD, bytes.length - WIRE_HEAD, flushed);
}
