/**
 * The encodings of state messages, by number: patches and events as items of lists, each written once for all who read the encoding. MessagePack
 * is written by a library, behind what is in the frame already. `plain` is for people: paths in full, no hashes, no slots.
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
  patches(patches: readonly Patch[], sink: ByteSink): void;
  events(events: readonly StateEvent[], sink: ByteSink): void;
}

const packer = new Encoder();

const msgpack: Encoding = {
  isText: false,
  patches: (patches, sink) => appendPacked(patches.map(patchSent), sink),
  events: (events, sink) =>
    appendPacked(
      events.map(({ name, data }) => [name, JSON.parse(data)]),
      sink,
    ),
};

const json: Encoding = {
  isText: true,
  patches: (patches, sink) => sink.text(JSON.stringify(patches.map(patchSent)).slice(1, -1)),
  events: eventTexts,
};

const plain: Encoding = {
  isText: true,
  patches(patches, sink) {
    const sent = patches.map(({ shape, keys, op, value }) => {
      const path = pathOf(shape.pattern, keys);
      return op === DELETE ? [path, op] : [path, op, value];
    });
    sink.text(JSON.stringify(sent).slice(1, -1));
  },
  events: eventTexts,
};

/** By their numbers, see formats.ts. */
export const ENCODINGS: readonly Encoding[] = [msgpack, json, plain];

function patchSent({ shape, keys, op, value }: Patch): Plain {
  return op === DELETE ? [shape.hash, keysSent(keys), op] : [shape.hash, keysSent(keys), op, value];
}

/** The items of a list: packed as one, without its head. */
function appendPacked(items: readonly unknown[], sink: ByteSink): void {
  if (items.length === 0) return;
  const headBytes = items.length < 16 ? 1 : items.length < 0x1_0000 ? 3 : 5;
  sink.append(packer.encodeSharedRef(items).subarray(headBytes));
}

function eventTexts(events: readonly StateEvent[], sink: ByteSink): void {
  sink.text(events.map(({ name, data }) => `[${JSON.stringify(name)},${data}]`).join());
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
