/**
 * MessagePack as plain data, for readers that have no library: one value from its bytes, all of them. What plain data has not is refused, as is
 * what is cut short or has something behind it: one BAD_FRAME, whatever is wrong. Costs one pass, and what it makes.
 */
import { GyreError } from "../errors.js";
import { NESTING_MAX } from "./limits.js";
import type { Plain } from "./schema.js";

const texts = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Throws BAD_FRAME. */
export function unpack(bytes: Uint8Array): Plain {
  const reader = new Reader(bytes);
  const value = reader.value(0);
  if (reader.at !== bytes.length) throw bad(`${bytes.length - reader.at} bytes behind its value`);
  return value;
}

class Reader {
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  value(depth: number): Plain {
    if (depth > NESTING_MAX) throw bad(`nested deeper than ${NESTING_MAX} levels`);
    const head = this.#uint(1);
    if (head < 0x80) return head;
    if (head < 0x90) return this.#map(head & 15, depth);
    if (head < 0xa0) return this.#array(head & 15, depth);
    if (head < 0xc0) return this.#text(head & 31);
    if (head >= 0xe0) return head - 256;
    switch (head) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xca:
        return this.#float(this.#view.getFloat32(this.#take(4)));
      case 0xcb:
        return this.#float(this.#view.getFloat64(this.#take(8)));
      case 0xcc:
        return this.#uint(1);
      case 0xcd:
        return this.#uint(2);
      case 0xce:
        return this.#uint(4);
      case 0xcf:
        return this.#long(this.#view.getBigUint64(this.#take(8)));
      case 0xd0:
        return this.#view.getInt8(this.#take(1));
      case 0xd1:
        return this.#view.getInt16(this.#take(2));
      case 0xd2:
        return this.#view.getInt32(this.#take(4));
      case 0xd3:
        return this.#long(this.#view.getBigInt64(this.#take(8)));
      case 0xd9:
        return this.#text(this.#uint(1));
      case 0xda:
        return this.#text(this.#uint(2));
      case 0xdb:
        return this.#text(this.#uint(4));
      case 0xdc:
        return this.#array(this.#uint(2), depth);
      case 0xdd:
        return this.#array(this.#uint(4), depth);
      case 0xde:
        return this.#map(this.#uint(2), depth);
      case 0xdf:
        return this.#map(this.#uint(4), depth);
      default:
        throw bad(`0x${head.toString(16)} begins no plain value`);
    }
  }

  #array(count: number, depth: number): Plain {
    this.#check(count);
    const values: Plain[] = [];
    for (let i = 0; i < count; i++) values.push(this.value(depth + 1));
    return values;
  }

  #map(count: number, depth: number): Plain {
    this.#check(2 * count);
    const values: Record<string, Plain> = {};
    for (let i = 0; i < count; i++) {
      const key = this.value(depth + 1);
      if (typeof key !== "string") throw bad(`a key is ${typeof key}`);
      setOwn(values, key, this.value(depth + 1));
    }
    return values;
  }

  #text(size: number): string {
    const at = this.#take(size);
    try {
      return texts.decode(this.#bytes.subarray(at, at + size));
    } catch {
      throw bad("a text is not UTF-8");
    }
  }

  #float(value: number): number {
    if (!Number.isFinite(value)) throw bad(`a number is ${value}`);
    return value;
  }

  #long(value: bigint): number {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw bad(`${value} has more than 53 bits`);
    return number;
  }

  /** Big-endian, of 1, 2 or 4 bytes. */
  #uint(size: 1 | 2 | 4): number {
    const at = this.#take(size);
    if (size === 1) return this.#view.getUint8(at);
    return size === 2 ? this.#view.getUint16(at) : this.#view.getUint32(at);
  }

  /** So many values take as many bytes at least: what claims more is not begun. */
  #check(count: number): void {
    if (count > this.#bytes.length - this.at) throw bad(`${count} values in ${this.#bytes.length - this.at} bytes`);
  }

  #take(size: number): number {
    const { at } = this;
    if (size > this.#bytes.length - at) throw bad(`cut short at byte ${this.#bytes.length}`);
    this.at = at + size;
    return at;
  }
}

/** As JSON.parse does: a key is a key, whatever its name. */
export function setOwn(object: Record<string, Plain>, key: string, value: Plain): void {
  if (key !== "__proto__") object[key] = value;
  else Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}

function bad(why: string): GyreError {
  return new GyreError("BAD_FRAME", `a state message is no plain MessagePack: ${why}`);
}
