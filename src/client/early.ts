/**
 * What a new socket says behind its answer is held until the turn of the event loop is over: it may be in the same packet, and whoever awaits the
 * connection goes on, and listens, at the end of the turn. All of it waits, its end too, so that the order is that of the socket.
 */
import type { Socket } from "./socket.js";

/** Messages that wait, at most: those of some packets. One more, and nothing waits any longer. */
const EARLY_MAX = 256;

/** Its handlers, which are set by then, are called in a later turn for what comes in this one; not after they were taken off. */
export function holdEarly(socket: Socket): void {
  const { onmessage, onclose } = socket;
  const waiting: (() => void)[] = [];
  const hold = (call: () => void): void => {
    waiting.push(call);
    if (waiting.length > EARLY_MAX) release();
  };
  const held: Socket["onmessage"] = (event) => hold(() => onmessage?.(event));
  const release = (): void => {
    clearTimeout(timer);
    try {
      while (waiting.length > 0 && socket.onmessage === held) waiting.shift()?.();
    } finally {
      if (socket.onmessage === held) {
        // A listener that throws keeps nobody from what came behind.
        if (waiting.length > 0) timer = setTimeout(release);
        else [socket.onmessage, socket.onclose] = [onmessage, onclose];
      }
    }
  };
  let timer = setTimeout(release);
  socket.onmessage = held;
  socket.onclose = (event) => hold(() => onclose?.(event));
}
