/**
 * One scope of a game's state tree: plain data of a declared form, whose changes are noted as they are made. The game sees proxies, so that
 * a change is an assignment; the nodes behind them are what is here.
 *
 *     view.monsters.dragon = { hp: 300 }        a new node, sent whole
 *     view.monsters.dragon.hp--                 its field is noted
 *     delete view.monsters.dragon               the table's key is noted, and the node is no part of the tree any more
 *
 * Costs: an assignment some 100 ns and the size of what is assigned; draining, the changes. A value may be any plain data, and is replaced
 * whole: what is nested in it is frozen. The size of a tree is bounded, see limits.ts; what is refused changes nothing.
 */
import { GyreError, shown } from "../errors.js";
import { ENTRIES_MAX, KEY_LENGTH_MAX } from "./limits.js";
import { plainText } from "./plain.js";
import {
  frozen,
  isObject,
  type Plain,
  type RecordShape,
  type Shape,
  type TableShape,
  type ValueShape,
} from "./schema.js";
import { recordView, tableView } from "./views.js";

/** A value of a tree: plain data where the shape is a value's, a node elsewhere. */
export type Item = Plain | RecordNode | TableNode;

/** Hears of each place that is to be sent, in the order in which it changed first. keys: of the tables on the way, valid during the call. */
export interface Changes {
  set(shape: Shape, keys: readonly string[], value: Plain): void;
  remove(shape: Shape, keys: readonly string[]): void;
}

/** Bytes in any encoding, at most: of a number, of true, false or null, and of what is around a field. */
const NUMBER_BYTES = 24;
const WORD_BYTES = 5;
const FIELD_BYTES = 4;
/** Of what is around the value of a place that has a patch of its own, with a hash and with a path; the key and the pattern come to it. */
const HASHED_BYTES = 32;
const PATH_BYTES = 8;
/** So much longer than in JSON is a number in MessagePack that is no integer: `0.5` and a comma, against 9. */
const FLOAT_BYTES = 5;

export class SyncTree {
  readonly root: RecordNode;
  readonly view: object;
  /** Called when something changed since the last drain, once. */
  onChange: (() => void) | null = null;
  size = 0;
  entries = 0;
  /** Nodes with notes, in order of their first. */
  readonly dirty: (RecordNode | TableNode)[] = [];
  /** Where its views are, for errors: `sync`. */
  readonly path: string;
  readonly #sizeMax: number;

  /** The first values of a scope. */
  constructor(shape: RecordShape, path: string, sizeMax: number) {
    this.path = path;
    this.#sizeMax = sizeMax;
    this.root = new RecordNode(this, shape, null, "");
    this.root.fill({});
    settle(this.root);
    this.view = this.root.view;
    this.resize(measure(this.root), 0);
  }

  /** Tells what changed since the last time, and forgets it; null for nobody. */
  drain(to: Changes | null): void {
    for (const node of this.dirty) {
      node.isListed = false;
      if (to !== null && !node.isGone) node.tell(to);
      else node.forget();
    }
    this.dirty.length = 0;
  }

  /** Tells the whole tree: each place without tables in one, tables entry by entry. Only when nothing changed since the last drain. */
  tellAll(to: Changes): void {
    tellFields(this.root, to);
  }

  /** For images and hashes: records as lists of their fields, tables as lists of keys and values, in the order in which they are. */
  save(): Plain {
    return saved(this.root);
  }

  /** Takes up what `save` gave, of a tree of the same form. */
  restore(from: Plain): void {
    restoreRecord(this.root, from);
    this.size = measure(this.root);
    this.entries = countEntries(this.root);
    this.drain(null);
  }

  /** Throws BAD_ARGUMENT when the tree would be too large. */
  resize(bytes: number, entries: number): void {
    if (bytes > 0 && this.size + bytes > this.#sizeMax) {
      throw refusal(this.path, `would be ${this.size + bytes} bytes as it is sent`, `at most ${this.#sizeMax}`);
    }
    if (entries > 0 && this.entries + entries > ENTRIES_MAX) {
      throw refusal(this.path, `would have ${this.entries + entries} entries`, `at most ${ENTRIES_MAX}`);
    }
    this.size += bytes;
    this.entries += entries;
  }

  list(node: RecordNode | TableNode): void {
    if (node.isListed) return;
    node.isListed = true;
    if (this.dirty.push(node) === 1) this.onChange?.();
  }
}

export class RecordNode {
  readonly items: Item[] = [];
  /** It was made since the last drain, and is told whole by whatever it is in. */
  isFresh = true;
  /** It is no part of the tree any more. */
  isGone = false;
  isListed = false;
  readonly tree: SyncTree;
  readonly shape: RecordShape;
  readonly parent: RecordNode | TableNode | null;
  /** In its parent: a field's name, or a table's key. */
  readonly key: string;
  readonly #changed = new Set<number>();
  #view: object | null = null;

  constructor(tree: SyncTree, shape: RecordShape, parent: RecordNode | TableNode | null, key: string) {
    this.tree = tree;
    this.shape = shape;
    this.parent = parent;
    this.key = key;
  }

  get view(): object {
    this.#view ??= recordView(this);
    return this.#view;
  }

  /** Its fields as the value has them; those that the value has not, as they were declared. Throws BAD_ARGUMENT. */
  fill(value: { readonly [name: string]: unknown }): void {
    const { shape } = this;
    for (const name of Object.keys(value)) {
      if (!shape.indexOf.has(name)) throw noField(this, name);
    }
    for (let i = 0; i < shape.fields.length; i++) {
      const [field, name] = [shape.fields[i] as Shape, shape.names[i] as string];
      const given = Object.hasOwn(value, name) ? value[name] : undefined;
      this.items[i] = given === undefined ? firstOf(this, field, name) : made(this, field, name, given);
    }
  }

  /** An assignment to a field. */
  assign(index: number, value: unknown): void {
    const shape = this.shape.fields[index] as Shape;
    const name = this.shape.names[index] as string;
    this.checkHere();
    if (shape.kind === "value") {
      const [next, before] = [checked(this, shape, name, value), this.items[index] as Plain];
      if (next === before) return;
      this.tree.resize(valueSize(next) - valueSize(before), 0);
      this.items[index] = next;
      this.note(index);
    } else if (shape.kind === "table") {
      (this.items[index] as TableNode).replace(made(this, shape, name, value) as TableNode);
    } else {
      (this.items[index] as RecordNode).replace(made(this, shape, name, value) as RecordNode);
    }
  }

  /** Takes over what another one holds that is no part of the tree. Throws BAD_ARGUMENT when that is too much, and changes nothing. */
  replace(other: RecordNode): void {
    this.tree.resize(measure(other) - measure(this), countEntries(other) - countEntries(this));
    this.adopt(other);
  }

  /** As replace, and its size is known already. */
  adopt(other: RecordNode): void {
    for (let i = 0; i < this.items.length; i++) {
      const [mine, its] = [this.items[i], other.items[i]];
      if (mine instanceof TableNode) mine.adopt(its as TableNode);
      else if (mine instanceof RecordNode) mine.adopt(its as RecordNode);
      else if (mine !== its) {
        this.items[i] = its as Plain;
        this.note(i);
      }
    }
  }

  note(index: number): void {
    if (this.isFresh) return;
    this.#changed.add(index);
    this.tree.list(this);
  }

  tell(to: Changes): void {
    const keys = keysOf(this);
    for (const index of this.#changed) to.set(this.shape.fields[index] as Shape, keys, this.items[index] as Plain);
    this.#changed.clear();
  }

  forget(): void {
    this.#changed.clear();
  }

  checkHere(): void {
    if (this.isGone) throw gone(this);
  }
}

export class TableNode {
  items = new Map<string, Item>();
  isFresh = true;
  isGone = false;
  isListed = false;
  readonly tree: SyncTree;
  readonly shape: TableShape;
  readonly parent: RecordNode | TableNode | null;
  readonly key: string;
  readonly #changed = new Set<string>();
  /** All of it is another one since the last drain. */
  #isReplaced = false;
  #view: object | null = null;

  constructor(tree: SyncTree, shape: TableShape, parent: RecordNode | TableNode | null, key: string) {
    this.tree = tree;
    this.shape = shape;
    this.parent = parent;
    this.key = key;
  }

  get view(): object {
    this.#view ??= tableView(this);
    return this.#view;
  }

  /** Throws BAD_ARGUMENT. */
  fill(value: { readonly [name: string]: unknown }): void {
    for (const key of Object.keys(value)) {
      checkKey(this, key);
      this.items.set(key, made(this, this.shape.entry, key, value[key]));
    }
  }

  /** An assignment to an entry, which there may be already. */
  assign(key: string, value: unknown): void {
    this.checkHere();
    checkKey(this, key);
    const before = this.items.get(key);
    const next = made(this, this.shape.entry, key, value);
    if (before !== undefined && next === before) return;
    if (before === undefined) this.tree.resize(entrySize(this, key, next), 1 + countEntries(next));
    else this.tree.resize(itemSize(next) - itemSize(before), countEntries(next) - countEntries(before));
    if (before !== undefined) leave(before);
    this.items.set(key, next);
    this.note(key);
  }

  /** Nothing happens where there is no such entry. */
  remove(key: string): void {
    this.checkHere();
    const item = this.items.get(key);
    if (item === undefined) return;
    this.tree.resize(-entrySize(this, key, item), -1 - countEntries(item));
    leave(item);
    this.items.delete(key);
    this.note(key);
  }

  /** Takes over the entries of another one that is no part of the tree. */
  replace(other: TableNode): void {
    this.tree.resize(measure(other) - measure(this), countEntries(other) - countEntries(this));
    this.adopt(other);
  }

  adopt(other: TableNode): void {
    if (this.items.size === 0 && other.items.size === 0) return;
    for (const item of this.items.values()) leave(item);
    this.items.clear();
    // Their parent is this one, which they are made anew for.
    for (const [key, item] of other.items) this.items.set(key, moved(item, this, key));
    if (this.isFresh) return;
    this.#isReplaced = true;
    this.#changed.clear();
    this.tree.list(this);
  }

  note(key: string): void {
    if (this.isFresh || this.#isReplaced) return;
    this.#changed.add(key);
    this.tree.list(this);
  }

  tell(to: Changes): void {
    const keys = keysOf(this);
    if (this.#isReplaced) to.set(this.shape, keys, plainOf(this));
    for (const key of this.#changed) {
      const item = this.items.get(key);
      keys.push(key);
      if (item === undefined) to.remove(this.shape.entry, keys);
      else to.set(this.shape.entry, keys, plainOf(item));
      keys.pop();
    }
    this.#isReplaced = false;
    this.#changed.clear();
  }

  forget(): void {
    if (this.#isReplaced) settle(this);
    for (const key of this.#changed) {
      const item = this.items.get(key);
      if (item !== undefined) settle(item);
    }
    this.#isReplaced = false;
    this.#changed.clear();
  }

  checkHere(): void {
    if (this.isGone) throw gone(this);
  }
}

type Node = RecordNode | TableNode;

function isNode(item: Item): item is Node {
  return item instanceof RecordNode || item instanceof TableNode;
}

/** An item of this shape with this value. Throws BAD_ARGUMENT; nothing is changed by then. */
function made(parent: Node, shape: Shape, key: string, value: unknown): Item {
  if (shape.kind === "value") return checked(parent, shape, key, value);
  if (!isObject(value)) throw refusal(pathOf(parent, key), shown(value), `an object, as it is a ${shape.kind}`);
  const node = nodeOf(parent, shape, key);
  node.fill(value);
  return node;
}

function firstOf(parent: Node, shape: Shape, key: string): Item {
  if (shape.kind === "value") return shape.first;
  const node = nodeOf(parent, shape, key);
  node.fill({});
  return node;
}

function nodeOf(parent: Node, shape: RecordShape | TableShape, key: string): Node {
  if (shape.kind === "record") return new RecordNode(parent.tree, shape, parent, key);
  return new TableNode(parent.tree, shape, parent, key);
}

/** The same contents, in another place. */
function moved(item: Item, parent: Node, key: string): Item {
  if (!isNode(item)) return item;
  const node = nodeOf(parent, item.shape, key);
  if (node instanceof RecordNode) {
    const fields = item as RecordNode;
    for (let i = 0; i < fields.items.length; i++) {
      node.items[i] = moved(fields.items[i] as Item, node, fields.shape.names[i] as string);
    }
  } else {
    for (const [name, inner] of (item as TableNode).items) node.items.set(name, moved(inner, node, name));
  }
  return node;
}

/** What a value may be: what it was declared as, any plain data where that was null. A copy, frozen, of what is nested. */
function checked(parent: Node, { first }: ValueShape, key: string, value: unknown): Plain {
  if (first !== null && (typeof value !== typeof first || Array.isArray(value) !== Array.isArray(first))) {
    throw refusal(pathOf(parent, key), shown(value), Array.isArray(first) ? "an array" : `a ${typeof first}`);
  }
  if (typeof value === "string") {
    if (hasLoneSurrogate(value)) throw refusal(pathOf(parent, key), shown(value), "a text without lone surrogates");
    return value;
  }
  if (typeof value === "number" && Number.isFinite(value) && !Object.is(value, -0)) return value;
  if (typeof value === "boolean" || value === null) return value;
  const text = plainText(value, pathOf(parent, key));
  if (/(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(text))
    throw refusal(pathOf(parent, key), shown(value), "plain data without lone surrogates");
  return frozen(JSON.parse(text) as Plain);
}

function checkKey(table: TableNode, key: string): void {
  if (key.length === 0 || key.length > KEY_LENGTH_MAX || hasLoneSurrogate(key)) {
    throw refusal(`a key of ${pathOf(table)}`, shown(key), `1 to ${KEY_LENGTH_MAX} characters`);
  }
}

function hasLoneSurrogate(text: string): boolean {
  return /[\ud800-\udfff]/.test(text) && /\p{Cs}/u.test(text);
}

/** It is no part of the tree any more. O(what is in it). */
function leave(item: Item): void {
  if (!isNode(item)) return;
  item.isGone = true;
  for (const inner of item.items.values()) leave(inner);
}

/** It has been told: its changes are noted from now on. O(what is in it), as far as that is fresh. */
function settle(item: Item): void {
  if (!isNode(item)) return;
  item.isFresh = false;
  for (const inner of item.items.values()) settle(inner);
}

/** As plain data, which is settled. */
function plainOf(item: Item): Plain {
  if (!isNode(item)) return item;
  item.isFresh = false;
  const plain = Object.create(null) as Record<string, Plain>;
  if (item instanceof TableNode) for (const [key, inner] of item.items) plain[key] = plainOf(inner);
  else
    for (let i = 0; i < item.items.length; i++) plain[item.shape.names[i] as string] = plainOf(item.items[i] as Item);
  return plain;
}

function tellFields(record: RecordNode, to: Changes): void {
  for (let i = 0; i < record.items.length; i++) {
    const [shape, item] = [record.shape.fields[i] as Shape, record.items[i] as Item];
    if (item instanceof TableNode) {
      to.set(shape, [], {});
      for (const [key, entry] of item.items) to.set(item.shape.entry, [key], plainOf(entry));
    } else if (item instanceof RecordNode && item.shape.hasTable) {
      tellFields(item, to);
    } else {
      to.set(shape, [], plainOf(item));
    }
  }
}

/** The keys of the tables that a node is in. */
function keysOf(node: Node): string[] {
  const keys: string[] = [];
  for (let at: Node = node; at.parent !== null; at = at.parent)
    if (at.parent instanceof TableNode) keys.unshift(at.key);
  return keys;
}

function saved(item: Item): Plain {
  if (!isNode(item)) return item;
  if (item instanceof TableNode) return [...item.items].map(([key, inner]) => [key, saved(inner)]);
  return item.items.map(saved);
}

function restoreRecord(node: RecordNode, from: Plain): void {
  for (let i = 0; i < node.items.length; i++) {
    const [item, value] = [node.items[i] as Item, (from as readonly Plain[])[i] ?? null];
    if (item instanceof RecordNode) restoreRecord(item, value);
    else if (item instanceof TableNode) restoreTable(item, value);
    else node.items[i] = frozen(value);
  }
}

function restoreTable(node: TableNode, from: Plain): void {
  for (const item of node.items.values()) leave(item);
  node.items.clear();
  for (const [key, value] of from as readonly (readonly [string, Plain])[]) {
    const item = firstOf(node, node.shape.entry, key);
    if (item instanceof RecordNode) restoreRecord(item, value);
    else if (item instanceof TableNode) restoreTable(item, value);
    node.items.set(key, isNode(item) ? item : frozen(value));
  }
  settle(node);
}

function countEntries(item: Item): number {
  if (!isNode(item)) return 0;
  let count = item instanceof TableNode ? item.items.size : 0;
  for (const inner of item.items.values()) count += countEntries(inner);
  return count;
}

/** Bytes of a node in a first sync, at most, whatever the encoding. */
function measure(node: Node): number {
  let size = 2;
  if (node instanceof TableNode) for (const [key, inner] of node.items) size += entrySize(node, key, inner);
  else
    for (let i = 0; i < node.items.length; i++)
      size += fieldSize(node.shape.fields[i] as Shape, node.shape.names[i] as string) + itemSize(node.items[i] as Item);
  return size;
}

/** What is around a field: in an entry, which is sent whole, its name; elsewhere a patch. */
function fieldSize({ stars, pattern }: Shape, name: string): number {
  return stars > 0 ? FIELD_BYTES + name.length : patchSize(pattern);
}

function entrySize({ shape }: TableNode, key: string, item: Item): number {
  let size = patchSize(shape.entry.pattern) + textSize(key) + itemSize(item);
  // Escaped in a path.
  for (const character of key) if (character === "~" || character === "/") size++;
  return size;
}

function patchSize(pattern: string): number {
  return Math.max(HASHED_BYTES, PATH_BYTES + pattern.length);
}

function itemSize(item: Item): number {
  return isNode(item) ? measure(item) : valueSize(item);
}

function valueSize(value: Plain): number {
  if (typeof value === "number") return NUMBER_BYTES;
  if (typeof value === "string") return 2 + textSize(value);
  if (typeof value === "boolean" || value === null) return WORD_BYTES;
  return textSize(JSON.stringify(value)) + FLOAT_BYTES * countFloats(value);
}

function countFloats(value: Plain): number {
  if (typeof value === "number") return Number.isSafeInteger(value) ? 0 : 1;
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  for (const inner of Object.values(value)) count += countFloats(inner as Plain);
  return count;
}

/** Bytes of a text in JSON and UTF-8, at most. */
function textSize(text: string): number {
  let size = 0;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    size += unit < 0x20 ? 6 : unit === 0x22 || unit === 0x5c ? 2 : unit < 0x80 ? 1 : 3;
  }
  return size;
}

export function pathOf(node: Node, name?: string): string {
  const inner = name === undefined ? "" : isWord(name) ? `.${name}` : `[${JSON.stringify(name)}]`;
  return node.parent === null ? `${node.tree.path}${inner}` : `${pathOf(node.parent, node.key)}${inner}`;
}

function isWord(name: string): boolean {
  return /^[A-Za-z_]\w*$/.test(name);
}

export function noField(node: RecordNode, name: string): GyreError {
  return new GyreError(
    "BAD_ARGUMENT",
    `${pathOf(node, name)} is not declared; there are ${node.shape.names.join(", ")}`,
  );
}

function gone(node: Node): GyreError {
  return new GyreError("BAD_ARGUMENT", `${pathOf(node)} was taken out of the tree, and cannot be changed`);
}

function refusal(path: string, found: string, rule: string): GyreError {
  return new GyreError("BAD_ARGUMENT", `${path} is ${found}; it must be ${rule}`);
}
