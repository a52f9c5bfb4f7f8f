/** A WebSocket class over a slow network: what goes either way waits for so long, in order, as TCP has it. And one that can be cut. */
import WebSocket from "ws";
import type { RandomNumber } from "./fake-zone.js";

export interface Network {
  /** Milliseconds one way. */
  upMs: number;
  downMs: number;
  /** Milliseconds that a message may take longer, either way. */
  jitterMs: number;
  random: RandomNumber;
}

type Handler<T> = ((event: T) => void) | null;

/** What goes one way: a queue, for timers of Node are early by what the present turn of its loop has taken, and do not keep an order. */
class Way {
  readonly #network: Network;
  readonly #delay: "upMs" | "downMs";
  readonly #queue: { dueMs: number; deliver: () => void }[] = [];
  #dueMs = 0;
  #isWaiting = false;

  constructor(network: Network, delay: "upMs" | "downMs") {
    this.#network = network;
    this.#delay = delay;
  }

  send(deliver: () => void): void {
    const { jitterMs, random } = this.#network;
    this.#dueMs = Math.max(this.#dueMs, performance.now() + this.#network[this.#delay] + jitterMs * random());
    this.#queue.push({ dueMs: this.#dueMs, deliver });
    this.#wait();
  }

  #wait(): void {
    if (this.#isWaiting || this.#queue.length === 0) return;
    this.#isWaiting = true;
    setTimeout(() => this.#deliver(), this.#queue[0]!.dueMs - performance.now());
  }

  #deliver(): void {
    while (this.#queue.length > 0 && this.#queue[0]!.dueMs <= performance.now()) this.#queue.shift()!.deliver();
    this.#isWaiting = false;
    this.#wait();
  }
}

/** Sockets over the network; `open` has those that are. */
export function slowSockets(network: Network): {
  Class: new (url: string, protocol: string) => object;
  open: Set<WebSocket>;
} {
  const open = new Set<WebSocket>();
  class SlowSocket {
    onopen: Handler<unknown> = null;
    onmessage: Handler<{ data: unknown }> = null;
    onerror: Handler<{ message?: string }> = null;
    onclose: Handler<{ code: number; reason: string }> = null;
    readonly #socket: WebSocket;
    readonly #up = new Way(network, "upMs");
    readonly #down = new Way(network, "downMs");

    constructor(url: string, protocol: string) {
      const socket = new WebSocket(url, protocol, { perMessageDeflate: false });
      this.#socket = socket;
      open.add(socket);
      socket.onopen = () => this.#down.send(() => this.onopen?.({}));
      socket.onmessage = ({ data }) => this.#down.send(() => this.onmessage?.({ data }));
      socket.onerror = ({ message }) => this.#down.send(() => this.onerror?.({ message }));
      socket.onclose = ({ code, reason }) => {
        open.delete(socket);
        this.#down.send(() => this.onclose?.({ code, reason }));
      };
    }

    get bufferedAmount(): number {
      return this.#socket.bufferedAmount;
    }

    set binaryType(type: "arraybuffer") {
      this.#socket.binaryType = type;
    }

    send(text: string): void {
      this.#up.send(() => this.#socket.readyState === WebSocket.OPEN && this.#socket.send(text));
    }

    close(code?: number, reason?: string): void {
      this.#up.send(() => this.#socket.close(code, reason));
    }
  }
  return { Class: SlowSocket, open };
}
