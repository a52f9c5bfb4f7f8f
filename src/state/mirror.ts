/**
 * A reader's copy of what it was told of a zone's state: the broadcast part and its own, kept apart, each with its key table. A message is
 * applied whole or not at all: what is changed by then is taken back when the rest of it is wrong. Costs what the message holds.
 *
 * Tables are objects without a prototype, so that any key is just a key; records are plain objects. What was not told of yet is not there.
 */
import { GyreError, shown } from "../errors.js";
import { BROADCAST, DELETE, DIFF, FIRST, NO_CHANGE, SET, type SyncInfo, TARGETED } from "./formats.js";
import { BROADCAST_SLOTS, KEY_LENGTH_MAX, PLAYER_SLOTS } from "./limits.js";
import { isObject, type Plain, type RecordShape, type Schema, type Shape, schemaOfPatterns } from "./schema.js";
import { setOwn } from "./unpack.js";

export interface MirrorEvent {
  readonly name: string;
  readonly data: Plain;
}

type Values = Record<string, Plain>;

/** One scope of it. */
interface Part {
  readonly schema: Schema;
  readonly slotsMax: number;
  /** By slot. */
  readonly keys: (string | undefined)[];
  readonly values: Values;
  /** It was told of: changes may come. */
  isKnown: boolean;
}

/** UTF-16 units of an event's name, at most. */
const NAME_LENGTH_MAX = 32;

export class StateMirror {
  readonly #broadcast: Part;
  readonly #own: Part;
  /** How to take back what the message under way has changed, the last last. */
  readonly #undo: (() => void)[] = [];

  /** Throws BAD_MESSAGE for patterns that no game declares. */
  constructor({ broadcast, player }: SyncInfo) {
    this.#broadcast = partOf(broadcast, BROADCAST_SLOTS);
    this.#own = partOf(player, PLAYER_SLOTS);
  }

  /** Always the same object. */
  get broadcast(): Readonly<Values> {
    return this.#broadcast.values;
  }

  get own(): Readonly<Values> {
    return this.#own.values;
  }

  /** A message as it was parsed, or unpacked. Returns the events in it, in order. Throws BAD_FRAME, and is as before then. */
  apply(message: unknown): readonly MirrorEvent[] {
    this.#undo.length = 0;
    try {
      return this.#apply(listOf(message, "a message"));
    } catch (error) {
      for (let undo = this.#undo.pop(); undo !== undefined; undo = this.#undo.pop()) undo();
      throw error;
    }
  }

  #apply(message: readonly unknown[]): readonly MirrorEvent[] {
    const [opcode, update, events] = message;
    if (opcode !== BROADCAST && opcode !== TARGETED) {
      this.#update(message, this.#own, true);
      return [];
    }
    if (message.length !== 3) throw bad(`${opcode} has ${message.length} elements, not 3`);
    const told = listOf(events, "the events").map(eventOf);
    this.#update(listOf(update, "the update"), opcode === BROADCAST ? this.#broadcast : this.#own, opcode === TARGETED);
    return told;
  }

  #update(update: readonly unknown[], part: Part, mayBeFirst: boolean): void {
    const [opcode] = update;
    if (opcode === NO_CHANGE) {
      if (update.length > 1) throw bad("no change, and patches");
    } else if (opcode === DIFF) {
      if (!part.isKnown) throw bad("a change of what is not known yet");
      for (let i = 1; i < update.length; i++) this.#patch(update[i], part);
    } else if (opcode === FIRST && mayBeFirst) {
      this.#first(update);
    } else {
      throw bad(`an update begins with ${shown(opcode)}`);
    }
  }

  /** Patches of one's own part, then those of the broadcast one. What they do not name stays as it is. */
  #first(update: readonly unknown[]): void {
    const mark = update.indexOf(BROADCAST, 1);
    const end = mark < 0 ? update.length : mark;
    if (end > 1) this.#know(this.#own);
    for (let i = 1; i < end; i++) this.#patch(update[i], this.#own);
    if (mark < 0) return;
    this.#know(this.#broadcast);
    for (let i = mark + 1; i < update.length; i++) this.#patch(update[i], this.#broadcast);
  }

  /** Records that hold tables are there from the first sync on: their fields come one by one. */
  #know(part: Part): void {
    if (part.isKnown) return;
    part.isKnown = true;
    this.#undo.push(() => {
      part.isKnown = false;
      for (const name of part.schema.root.names) delete part.values[name];
    });
    fillSkeleton(part.schema.root, part.values);
  }

  #patch(patch: unknown, part: Part): void {
    const elements = listOf(patch, "a patch");
    const [where] = elements;
    const isPath = typeof where === "string";
    const rest = elements.slice(isPath ? 1 : 2);
    const [op, value] = rest;
    if (!((op === SET && rest.length === 2) || (op === DELETE && rest.length === 1))) {
      throw bad(`a patch does ${shown(op)} with ${rest.length - 1} values`);
    }
    const shape = isPath ? undefined : part.schema.places.get(where as number);
    const [found, keys] = isPath ? resolved(part.schema, where) : [shape, this.#keysOf(shape, elements[1], part)];
    if (found === undefined) throw bad(`there is no place ${shown(where)}`);
    if (op === SET) this.#set(part, found, keys, checked(found, value as Plain));
    else this.#delete(part, found, keys);
  }

  #keysOf(shape: Shape | undefined, sent: unknown, part: Part): readonly string[] {
    if (shape === undefined) return [];
    if (shape.stars === 1) return [this.#key(sent, part)];
    const keys = listOf(sent, "keys");
    if (keys.length !== shape.stars) throw bad(`${keys.length} keys for ${shape.pattern}`);
    return keys.map((key) => this.#key(key, part));
  }

  /** A slot, a slot with the key that it has from now on, or a key alone. */
  #key(sent: unknown, part: Part): string {
    if (typeof sent === "string") return checkedKey(sent);
    const slot = Array.isArray(sent) ? sent[0] : sent;
    if (!(Number.isInteger(slot) && slot >= 0 && slot < part.slotsMax)) throw bad(`slot ${shown(slot)}`);
    const before = part.keys[slot];
    if (!Array.isArray(sent)) {
      if (before === undefined) throw bad(`slot ${slot}, which has no key`);
      return before;
    }
    if (sent.length !== 2) throw bad(`a key of ${sent.length} elements`);
    const key = checkedKey(sent[1]);
    part.keys[slot] = key;
    this.#undo.push(() => {
      part.keys[slot] = before;
    });
    return key;
  }

  #set(part: Part, shape: Shape, keys: readonly string[], value: Plain): void {
    const [holder, name] = this.#holder(part, shape, keys);
    this.#keep(holder, name);
    setOwn(holder, name, value);
  }

  /** Only entries of tables come and go; one that is not there is gone already. */
  #delete(part: Part, shape: Shape, keys: readonly string[]): void {
    if (!shape.pattern.endsWith("/*")) throw bad(`${shape.pattern} is deleted`);
    const [holder, name] = this.#holder(part, shape, keys);
    this.#keep(holder, name);
    delete holder[name];
  }

  #keep(holder: Values, name: string): void {
    const wasThere = Object.hasOwn(holder, name);
    const before = wasThere ? (holder[name] as Plain) : null;
    this.#undo.push(() => {
      if (wasThere) setOwn(holder, name, before);
      else delete holder[name];
    });
  }

  /** What the place is in, and its name there. */
  #holder(part: Part, shape: Shape, keys: readonly string[]): [Values, string] {
    const names = shape.pattern.split("/");
    let holder: unknown = part.values;
    let next = 0;
    const nameAt = (i: number): string => (names[i] === "*" ? (keys[next++] ?? "") : (names[i] ?? ""));
    for (let i = 1; i < names.length - 1; i++) {
      const name = nameAt(i);
      holder = Object.hasOwn(holder as Values, name) ? (holder as Values)[name] : undefined;
      if (!isObject(holder)) throw bad(`${shape.pattern} of ${shown(name)}, which is not there`);
    }
    return [holder as Values, nameAt(names.length - 1)];
  }
}

function partOf(patterns: readonly string[], slotsMax: number): Part {
  const schema = schemaOfPatterns(patterns);
  if (schema === null)
    throw new GyreError("BAD_MESSAGE", `${patterns.length} patterns of a state tree are not those of one`);
  return { schema, slotsMax, keys: [], values: {}, isKnown: false };
}

function fillSkeleton({ fields, names }: RecordShape, values: Values): void {
  for (const [i, field] of fields.entries()) {
    const inner: Values = field.kind === "table" ? Object.create(null) : {};
    if (field.kind === "record") fillSkeleton(field, inner);
    values[names[i] as string] = field.kind === "value" ? null : inner;
  }
}

/** A value as its shape has it, in objects of the reader's own. Throws BAD_FRAME. */
function checked(shape: Shape, value: Plain): Plain {
  if (shape.kind === "value") return value;
  if (!isObject(value)) throw bad(`${shape.pattern} is ${shown(value)}`);
  if (shape.kind === "table") {
    const table = Object.create(null) as Values;
    for (const key of Object.keys(value)) table[checkedKey(key)] = checked(shape.entry, value[key] as Plain);
    return table;
  }
  const record: Values = {};
  if (Object.keys(value).length !== shape.names.length) throw bad(`${shape.pattern} has other fields than it has`);
  for (const [i, name] of shape.names.entries()) {
    if (!Object.hasOwn(value, name)) throw bad(`${shape.pattern} has no ${name}`);
    record[name] = checked(shape.fields[i] as Shape, value[name] as Plain);
  }
  return record;
}

/** The place and the keys of a path in full. */
function resolved({ root }: Schema, path: string): [Shape | undefined, string[]] {
  const keys: string[] = [];
  let shape: Shape | undefined = root;
  for (const name of path.split("/").slice(1)) {
    if (shape?.kind === "table") {
      keys.push(checkedKey(name.replaceAll("~1", "/").replaceAll("~0", "~")));
      shape = shape.entry;
    } else if (shape?.kind === "record") {
      const index = shape.indexOf.get(name);
      shape = index === undefined ? undefined : shape.fields[index];
    } else {
      shape = undefined;
    }
  }
  return [shape === root ? undefined : shape, keys];
}

function eventOf(event: unknown): MirrorEvent {
  const [name, data, more] = listOf(event, "an event");
  if (
    typeof name !== "string" ||
    name.length === 0 ||
    name.length > NAME_LENGTH_MAX ||
    data === undefined ||
    more !== undefined
  ) {
    throw bad(`an event ${shown(name)}`);
  }
  return { name, data: data as Plain };
}

function checkedKey(key: unknown): string {
  if (typeof key !== "string" || key.length === 0 || key.length > KEY_LENGTH_MAX) throw bad(`a key ${shown(key)}`);
  return key;
}

function listOf(value: unknown, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw bad(`${what} is ${shown(value)}, not a list`);
}

function bad(why: string): GyreError {
  return new GyreError("BAD_FRAME", `a state message is malformed: ${why}`);
}
