/**
 * The encodings of state messages, by number: patches and events as items of lists, each written once for all who read the encoding. MessagePack
 * is written by a library, item by item, behind each other where they lie in the frame. `plain` is for people: paths in full, no hashes, no slots.
 */
import { Encoder } from "@msgpack/msgpack";
import { DELETE } from "./formats.js";
import type { SentKey } from "./keys.js";
import type { Patch } from "./patches.js";
import type { Plain } from "./schema.js";
import type { ByteSink } from "./sink.js";

/** What a game told: its name, and data as JSON text. */
export interface StateEvent {
  readonly name: string;
  readonly data: string;
}

export interface Encoding {
  /** Whether it is text: items have a comma between each two. */
  readonly isText: boolean;
  patch(patch: Patch, sink: ByteSink): void;
  event(event: StateEvent, sink: ByteSink): void;
}

const packer = new Encoder();

const msgpack: Encoding = {
  isText: false,
  patch({ shape, keys, op, value }, sink) {
    const head = [shape.hash, keysSent(keys), op];
    sink.append(packer.encodeSharedRef(op === DELETE ? head : [...head, value]));
  },
  event({ name, data }, sink) {
    sink.append(packer.encodeSharedRef([name, JSON.parse(data)]));
  },
};

const json: Encoding = {
  isText: true,
  patch({ shape, keys, op, value }, sink) {
    const head = `[${shape.hash},${JSON.stringify(keysSent(keys))},${op}`;
    sink.text(op === DELETE ? `${head}]` : `${head},${JSON.stringify(value)}]`);
  },
  event: eventText,
};

const plain: Encoding = {
  isText: true,
  patch({ shape, keys, op, value }, sink) {
    const head = `[${JSON.stringify(pathOf(shape.pattern, keys))},${op}`;
    sink.text(op === DELETE ? `${head}]` : `${head},${JSON.stringify(value)}]`);
  },
  event: eventText,
};

/** By their numbers, see formats.ts. */
export const ENCODINGS: readonly Encoding[] = [msgpack, json, plain];

function eventText({ name, data }: StateEvent, sink: ByteSink): void {
  sink.text(`[${JSON.stringify(name)},${data}]`);
}

/** One key stands alone, others and none in a list. */
function keysSent(keys: readonly SentKey[]): Plain {
  const [first] = keys;
  return keys.length === 1 && first !== undefined ? keySent(first) : keys.map(keySent);
}

function keySent({ key, slot, isDefined }: SentKey): Plain {
  if (slot < 0) return key;
  return isDefined ? [slot, key] : slot;
}

/** The pattern with keys in place of stars, escaped as in JSON pointers. */
function pathOf(pattern: string, keys: readonly SentKey[]): string {
  let next = 0;
  return pattern.replaceAll("*", () => (keys[next++]?.key ?? "").replaceAll("~", "~0").replaceAll("/", "~1"));
}
