/**
 * The WebSocket of this engine: the browser's, Node's own from 22 on, or else that of the package `ws`. All three have the
 * same events and methods, of which this is the part that the client uses.
 */
import { GyreError } from "../errors.js";

export interface Socket {
  binaryType: string;
  /** Bytes that were sent but have not left yet. */
  readonly bufferedAmount: number;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onerror: ((event: { message?: string }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  send(text: string): void;
  close(code?: number, reason?: string): void;
}

/** A class like the browser's WebSocket. */
export type SocketClass = new (url: string, protocol: string) => object;

/** Starts to connect. Throws CONNECTION_FAILED when there is no WebSocket, BAD_ARGUMENT for an address that is none. */
export async function openSocket(url: URL, protocol: string, given?: SocketClass): Promise<Socket> {
  const Class = given ?? (globalThis.WebSocket as SocketClass | undefined) ?? (await packageSocket());
  try {
    const socket = new Class(url.href, protocol) as Socket;
    socket.binaryType = "arraybuffer";
    return socket;
  } catch (error) {
    throw new GyreError("BAD_ARGUMENT", `cannot open a WebSocket to ${url.href}: ${String(error)}`);
  }
}

async function packageSocket(): Promise<SocketClass> {
  try {
    return (await import("ws")).WebSocket;
  } catch {
    throw new GyreError(
      "CONNECTION_FAILED",
      "this engine has no WebSocket: install the package ws, or pass a class as options.WebSocket",
    );
  }
}
