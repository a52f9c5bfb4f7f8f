/**
 * One try to get a connection: opens a socket, says the first message, and waits for the answer to it. Whoever takes the socket over does so
 * within the call that brings the answer, as the next message may be in the same packet.
 */
import { ERROR_CODES, type ErrorCode, GyreError } from "../errors.js";
import {
  type ErrorMessage,
  type JoinMessage,
  parseServerMessage,
  type ResumeMessage,
  SUBPROTOCOL,
  type ViewMessage,
  type WatchingMessage,
  type WelcomeMessage,
} from "../protocol/control.js";
import { openSocket, type Socket, type SocketClass } from "./socket.js";

/** What a connection begins with. */
export type FirstMessage = JoinMessage | ResumeMessage | ViewMessage;

export interface Call {
  readonly address: URL;
  readonly WebSocket: SocketClass | undefined;
  readonly first: FirstMessage;
  /** Said in its place when the first one is answered by SESSION_UNKNOWN; null for nothing. */
  readonly second: FirstMessage | null;
  /** From the call to the answer, at most. */
  readonly timeoutMs: number;
  /** Ends the try. */
  readonly signal?: AbortSignal;
  /** The socket is the callee's from here on. isSecond: it answers `second`. */
  readonly accept: (socket: Socket, answer: WelcomeMessage | WatchingMessage, isSecond: boolean) => void;
}

/** Resolves once `accept` has returned. Rejects with the server's error, what `accept` threw, BAD_ARGUMENT or CONNECTION_FAILED. */
export async function dial(call: Call): Promise<void> {
  const { address, first, second, timeoutMs, signal, accept } = call;
  const socket = await openSocket(address, SUBPROTOCOL, call.WebSocket);
  return new Promise((resolve, reject) => {
    let isSecond = false;
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", aborted);
    };
    const fail = (error: GyreError): void => {
      end();
      quiet(socket);
      socket.close();
      reject(error);
    };
    const failed = (why: string): void => fail(new GyreError("CONNECTION_FAILED", `${address.href}: ${why}`));
    const aborted = (): void => failed("given up");
    const timer = setTimeout(() => failed(`no answer within ${timeoutMs} ms`), timeoutMs);
    socket.onopen = () => socket.send(JSON.stringify(first));
    socket.onerror = (event) => failed(event.message || "cannot be reached");
    socket.onclose = ({ code, reason }) => failed(`closed with ${code} ${reason}`);
    socket.onmessage = ({ data }) => {
      try {
        const message = parseServerMessage(String(data));
        if (message.type === "error" && message.code === "SESSION_UNKNOWN" && second !== null && !isSecond) {
          isSecond = true;
          socket.send(JSON.stringify(second));
        } else if (message.type === "error") {
          fail(toError(message));
        } else if (message.type === "welcome" || message.type === "watching") {
          end();
          quiet(socket);
          accept(socket, message, isSecond);
          resolve();
        }
      } catch (error) {
        fail(error as GyreError);
      }
    };
    if (signal?.aborted) aborted();
    else signal?.addEventListener("abort", aborted);
  });
}

/** Hears no more of a socket. Not null for errors: the package `ws` throws what nobody listens to. */
export function quiet(socket: Socket): void {
  socket.onopen = socket.onmessage = socket.onclose = null;
  socket.onerror = () => {};
}

/** A server may be newer than this client, and know more codes: those are the cause of a BAD_MESSAGE. */
export function toError({ code, message }: Pick<ErrorMessage, "code" | "message">): GyreError {
  if (Object.hasOwn(ERROR_CODES, code)) return new GyreError(code as ErrorCode, message);
  return new GyreError("BAD_MESSAGE", message, { cause: code });
}
