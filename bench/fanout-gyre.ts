/** gyre in `fanout`: how a session hands a frame to its socket. The only file of it that knows. */
import { SocketWire } from "../src/net/wire.js";
import type { Peer, Send } from "./fanout.js";

/** Bytes before the payload in a peer's buffer, which gyre has no use for. */
const HEAD = 4;

export function gyreSender({ client, frame }: Peer): Send {
  const wire = new SocketWire(client);
  const bytes = new Uint8Array(frame.buffer, frame.byteOffset + HEAD, frame.length - HEAD);
  return (_, flushed) => wire.sendBytes(bytes, bytes.length, flushed);
}
