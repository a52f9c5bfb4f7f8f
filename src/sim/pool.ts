/**
 * Bounded pools: objects that are used again instead of made again, so that what a busy server needs is made once, and a flood
 * meets a bound instead of a heap.
 *
 *     const frames = new Pool({ name: "frames", capacity: 64, prewarm: 8, create: () => new FrameBuffer() });
 *     const frame = frames.acquire();         // null: all 64 are in use; counted, and the caller's to answer
 *     if (frame !== null) frames.release(frame);
 *
 * acquire and release are O(1) and allocate nothing, but for an object that is made the first time. The object released last is acquired
 * next, while it is warm in the caches. An object keeps what it held: whoever acquires it resets it.
 * Giving back what is not out is a bug in the caller, and throws POOL_MISUSE before anything is changed.
 *
 * Every pool is listed in /metrics by {@link PoolStats}; whatever else is bounded and used again, such as a zone's slots, can say the
 * same about itself. A test that ends with `inUse` at 0 has leaked nothing.
 */
import { GyreError } from "../errors.js";

/** What /metrics tells of a pool. */
export interface PoolStats {
  /** Label in /metrics: lower case and dashes, unique in a server. */
  readonly name: string;
  /** Most objects out at a time. */
  readonly capacity: number;
  /** Objects that exist, out or free: made ahead, or when they were needed first. */
  readonly created: number;
  /** Objects out. */
  readonly inUse: number;
  /** Most that were ever out at a time. */
  readonly highWater: number;
  /** Times that nothing was left to hand out. */
  readonly failedAcquires: number;
}

export interface PoolSpec<T> {
  name: string;
  /** Most objects out at a time, from 1. */
  capacity: number;
  /** Objects made at once; the others are made when they are needed first. Default 0. */
  prewarm?: number;
  create: () => T;
}

/** Below the last of the stack. */
const NONE = 0xffffffff;
/** In place of what is below, for an object that is not on the stack. */
const OUT = NONE - 1;

export class Pool<T extends object> implements PoolStats {
  readonly name: string;
  readonly capacity: number;
  inUse = 0;
  highWater = 0;
  failedAcquires = 0;

  readonly #create: () => T;
  readonly #objects: T[] = [];
  readonly #indexOf = new Map<T, number>();
  /** A stack of the free objects, linked by index. */
  readonly #below: Uint32Array;
  #top = NONE;

  /** Throws BAD_ARGUMENT. */
  constructor({ name, capacity, prewarm = 0, create }: PoolSpec<T>) {
    if (!Number.isInteger(capacity) || capacity < 1 || capacity >= OUT) {
      throw new GyreError(
        "BAD_ARGUMENT",
        `the capacity of pool ${name} is ${capacity}; it must be a whole number from 1`,
      );
    }
    if (!Number.isInteger(prewarm) || prewarm < 0 || prewarm > capacity) {
      throw new GyreError("BAD_ARGUMENT", `prewarm of pool ${name} is ${prewarm}; it must be from 0 to ${capacity}`);
    }
    this.name = name;
    this.capacity = capacity;
    this.#create = create;
    this.#below = new Uint32Array(capacity);
    while (this.#objects.length < prewarm) this.#push(this.#make());
  }

  get created(): number {
    return this.#objects.length;
  }

  /** An object that is nobody else's until it is released; null when capacity are out. */
  acquire(): T | null {
    let index = this.#top;
    if (index === NONE) {
      if (this.#objects.length === this.capacity) {
        this.failedAcquires++;
        return null;
      }
      index = this.#make();
    } else {
      this.#top = this.#below[index] ?? NONE;
    }
    this.#below[index] = OUT;
    this.inUse++;
    if (this.inUse > this.highWater) this.highWater = this.inUse;
    return this.#objects[index] ?? null;
  }

  /** Is it out of this pool? */
  holds(object: T): boolean {
    const index = this.#indexOf.get(object);
    return index !== undefined && this.#below[index] === OUT;
  }

  /** Gives it back. Throws POOL_MISUSE for one that is not out of this pool: another's, or given back already. */
  release(object: T): void {
    const index = this.#indexOf.get(object);
    if (index === undefined) throw new GyreError("POOL_MISUSE", `pool ${this.name} was given what is not its own`);
    if (this.#below[index] !== OUT) {
      throw new GyreError("POOL_MISUSE", `pool ${this.name} was given its object ${index} twice`);
    }
    this.#push(index);
    this.inUse--;
  }

  #push(index: number): void {
    this.#below[index] = this.#top;
    this.#top = index;
  }

  /** The index of a new object. */
  #make(): number {
    const object = this.#create();
    if (this.#indexOf.has(object)) throw new GyreError("POOL_MISUSE", `pool ${this.name} was made an object twice`);
    const index = this.#objects.push(object) - 1;
    this.#indexOf.set(object, index);
    return index;
  }
}
