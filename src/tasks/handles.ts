/**
 * What is shared by handle: memory that every thread of a scheduler sees, for values too large to be copied. A handle is an integer and
 * goes wherever a number goes. Whether it is still good is a word in shared memory; which memory it names, each thread learns by a
 * channel, when it meets a handle that it does not know or is about to forget one.
 */
import { BroadcastChannel, receiveMessageOnPort } from "node:worker_threads";
import { GyreError } from "../errors.js";
import { type Board, GENERATION, HANDLES_MAX, HOME, SHARES } from "./board.js";

/** The bits of a handle that are its index; the others are its generation. */
const INDEX_MASK = HANDLES_MAX - 1;

export type Shareable = ArrayBufferView | ArrayBuffer | SharedArrayBuffer;

/** What threads tell each other: this is shared, or, without memory, not any more. */
interface Notice {
  readonly handle: number;
  readonly memory?: SharedArrayBuffer;
}

export class Handles {
  readonly #board: Board;
  readonly #thread: number;
  readonly #channel: BroadcastChannel;
  readonly #known = new Map<number, SharedArrayBuffer>();
  /** Of what was shared and released by all, so much is known here. */
  #seen = 0;
  #next = 0;

  /** channel: a name of the scheduler's own. */
  constructor(board: Board, thread: number, channel: string) {
    this.#board = board;
    this.#thread = thread;
    this.#channel = new BroadcastChannel(channel);
    // What comes while the event loop runs comes here; what comes while it is blocked is received when it is asked for.
    this.#channel.onmessage = (event) => this.#learn((event as { data: Notice }).data);
    (this.#channel as unknown as { unref(): void }).unref();
  }

  /**
   * Memory that is shared already is shared as it is; other bytes are copied once. home: the thread that it is of; default the
   * one that shares, or in turn one of the workers when that is thread 0. Throws TASKS_FULL, BAD_ARGUMENT.
   */
  share(data: Shareable, home = this.#thread): number {
    const memory = sharedFrom(data);
    const { words } = this.#board;
    for (let tries = 0; tries < HANDLES_MAX; tries++) {
      const index = this.#next;
      this.#next = (index + 1) & INDEX_MASK;
      const base = this.#board.handle(index);
      const generation = Atomics.load(words, base + GENERATION);
      if (
        generation & 1 ||
        Atomics.compareExchange(words, base + GENERATION, generation, generation + 1) !== generation
      ) {
        continue;
      }
      words[base + HOME] = home === 0 && this.#board.threads > 1 ? 1 + (index % (this.#board.threads - 1)) : home;
      const handle = (generation + 1) * HANDLES_MAX + index;
      this.#known.set(handle, memory);
      this.#tell({ handle, memory });
      return handle;
    }
    throw new GyreError(
      "TASKS_FULL",
      `${HANDLES_MAX} things are shared already; scheduler.release gives a handle back`,
    );
  }

  /** Throws HANDLE_UNKNOWN. */
  memoryOf(handle: number): SharedArrayBuffer {
    this.#check(handle);
    if (!this.#known.has(handle)) this.receive();
    const memory = this.#known.get(handle);
    if (memory === undefined) throw unknown(handle);
    return memory;
  }

  /** The thread that it is of. Throws HANDLE_UNKNOWN. */
  homeOf(handle: number): number {
    this.#check(handle);
    return this.#board.words[this.#board.handle(handle & INDEX_MASK) + HOME]!;
  }

  /** By any thread; views that were made of it stay good. Throws HANDLE_UNKNOWN. */
  release(handle: number): void {
    const base = this.#check(handle);
    const generation = Math.floor(handle / HANDLES_MAX);
    const { words } = this.#board;
    if (Atomics.compareExchange(words, base + GENERATION, generation, generation + 1) !== generation)
      throw unknown(handle);
    this.#known.delete(handle);
    this.#tell({ handle });
  }

  /** Takes in what others told, if they did: so that memory that was released everywhere is nobody's. */
  receive(): void {
    const told = Atomics.load(this.#board.words, SHARES);
    if (told === this.#seen) return;
    this.#seen = told;
    for (let got = receive(this.#channel); got !== undefined; got = receive(this.#channel)) this.#learn(got);
  }

  /** All that this thread knows, for one that begins. */
  entries(): [number, SharedArrayBuffer][] {
    this.receive();
    return [...this.#known];
  }

  adopt(entries: readonly [number, SharedArrayBuffer][]): void {
    for (const [handle, memory] of entries) this.#learn({ handle, memory });
  }

  close(): void {
    this.#channel.close();
  }

  #tell(notice: Notice): void {
    this.#channel.postMessage(notice);
    Atomics.add(this.#board.words, SHARES, 1);
  }

  #learn({ handle, memory }: Notice): void {
    if (memory !== undefined && this.#isGood(handle)) this.#known.set(handle, memory);
    else this.#known.delete(handle);
  }

  #isGood(handle: number): boolean {
    const base = this.#board.handle(handle & INDEX_MASK);
    const generation = Math.floor(handle / HANDLES_MAX);
    return (generation & 1) === 1 && Atomics.load(this.#board.words, base + GENERATION) === generation;
  }

  #check(handle: number): number {
    if (!Number.isSafeInteger(handle) || handle < 0 || !this.#isGood(handle)) throw unknown(handle);
    return this.#board.handle(handle & INDEX_MASK);
  }
}

function receive(channel: BroadcastChannel): Notice | undefined {
  return (receiveMessageOnPort(channel as never) as { message: Notice } | undefined)?.message;
}

function unknown(handle: unknown): GyreError {
  return new GyreError("HANDLE_UNKNOWN", `the handle ${String(handle)} was released, or is not this scheduler's`);
}

function sharedFrom(data: unknown): SharedArrayBuffer {
  if (data instanceof SharedArrayBuffer) return data;
  if (data instanceof ArrayBuffer) return copied(new Uint8Array(data));
  if (!ArrayBuffer.isView(data)) {
    throw new GyreError("BAD_ARGUMENT", "share: bytes, a typed array, an ArrayBuffer or a SharedArrayBuffer");
  }
  const { buffer, byteOffset, byteLength } = data;
  if (!(buffer instanceof SharedArrayBuffer)) return copied(new Uint8Array(buffer, byteOffset, byteLength));
  // A copy would not see what is written later, which is not what somebody wants who has shared memory.
  if (byteLength !== buffer.byteLength) {
    throw new GyreError("BAD_ARGUMENT", "share: a part of a SharedArrayBuffer; share the whole, and tell the offset");
  }
  return buffer;
}

function copied(bytes: Uint8Array): SharedArrayBuffer {
  const memory = new SharedArrayBuffer(bytes.length);
  new Uint8Array(memory).set(bytes);
  return memory;
}
