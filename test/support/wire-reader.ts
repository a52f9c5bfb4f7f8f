/**
 * A reader of binary snapshots that was written from docs/wire.md and from nothing else: the proof that the page suffices. It is as simple as can
 * be and slow: bits are a string, what it knows is copied for every frame. Tests run it beside the SnapshotDecoder.
 */

export interface WireZone {
  readonly width: number;
  readonly height: number;
  readonly tileSize: number;
  readonly stepsPerUnit?: number;
  readonly interestTiles?: number;
  readonly columns?: readonly { readonly name: string; readonly type: string; readonly step?: number }[];
}

interface Being {
  readonly id: number;
  /** Steps into the cell, and since the snapshot before. */
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
  readonly words: readonly number[];
}

interface Cell {
  readonly stream: number;
  readonly tick: number;
  readonly members: readonly Being[];
}

type Shown = ReadonlyMap<number, Readonly<Record<string, number>>>;

const FIXED = [
  { name: "hp", type: "i32" },
  { name: "kind", type: "u16" },
  { name: "team", type: "u8" },
  { name: "state", type: "u8" },
  { name: "level", type: "u16" },
];
/** Name and how it comes, by bit of the private part's mask. */
const OWN = [
  ...["x", "y", "vx", "vy", "speed", "halfSize", "wishX", "wishY"].map((name) => [name, "float"] as const),
  ...["xp", "gold", "readyAt"].map((name) => [name, "number"] as const),
  ["hp", "zigzag"] as const,
  ["level", "number"] as const,
];
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  i8: [-128, 127],
  u8: [0, 255],
  i16: [-32_768, 32_767],
  u16: [0, 65_535],
};
const STEPS_MAX = 2 ** 30 - 1;
const JUMP = 2047;

function must(condition: boolean, what: string): void {
  if (!condition) throw new Error(`the frame breaks a rule: ${what}`);
}

function floatOf(word: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setInt32(0, word);
  return view.getFloat32(0);
}

const unzigzag = (z: number): number => (z % 2 === 0 ? z / 2 : -(z + 1) / 2);
const sum = (a: number, b: number): number => (a + b) | 0;

class Bytes {
  at = 0;
  constructor(readonly bytes: Uint8Array) {}

  get isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }

  take(count: number): Uint8Array {
    must(this.at + count <= this.bytes.length, "it ends too early");
    this.at += count;
    return this.bytes.slice(this.at - count, this.at);
  }

  u8(): number {
    return this.take(1)[0]!;
  }

  varint(): number {
    let value = 0n;
    for (let n = 0; ; n++) {
      const byte = this.u8();
      value += BigInt(byte & 127) << BigInt(7 * n);
      if (byte < 128) {
        must((byte !== 0 || n === 0) && value < 2n ** 32n, "a varint");
        return Number(value);
      }
      must(n < 4, "a varint of more than 5 bytes");
    }
  }

  f32(): number {
    const value = new DataView(this.take(4).buffer).getFloat32(0, true);
    must(Number.isFinite(value), "a float that is not finite");
    return value;
  }
}

class Bits {
  readonly #text: string;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#text = Array.from(bytes, (byte) => [...byte.toString(2).padStart(8, "0")].reverse().join("")).join("");
  }

  bit(): number {
    must(this.#at < this.#text.length, "a block ends within a code");
    return Number(this.#text[this.#at++]);
  }

  number(size: number): number {
    let value = 0;
    for (let i = 0; i < size; i++) value += this.bit() * 2 ** i;
    return value;
  }

  word(): number {
    return this.number(32) | 0;
  }

  gamma(): number {
    let k = 0;
    while (this.bit() === 1) k++;
    must(k < 32, "a gamma code");
    return 2 ** k + this.number(k) - 1;
  }

  rice(p: number): number {
    let q = 0;
    while (q < 24 && this.bit() === 1) q++;
    if (q === 24) return this.number(32);
    const value = q * 2 ** p + this.number(p);
    must(value < 2 ** 32, "a Rice code");
    return value;
  }

  /** A parameter, then so many values. */
  run(count: number): number[] {
    if (count === 0) return [];
    const p = this.number(5);
    return Array.from({ length: count }, () => this.rice(p));
  }

  /** count gaps of ordinals below `end`. */
  ordinals(count: number, end: number): number[] {
    let last = -1;
    return Array.from({ length: count }, () => {
      last += 1 + this.gamma();
      must(last < end, "an ordinal");
      return last;
    });
  }

  end(): void {
    const rest = this.#text.slice(this.#at);
    must(rest.length < 8 && !rest.includes("1"), "padding");
  }
}

export class WireReader {
  tick = 0;
  ack = 0;
  you = 0;
  own: Readonly<Record<string, number>> = {};
  cells: ReadonlyMap<number, Cell> = new Map();
  shown: Shown = new Map();
  hashes = 0;
  /** Cells whose hash was another one. */
  readonly odd: number[] = [];
  #between: ReadonlyMap<number, { readonly to: number; readonly tick: number }> = new Map();
  readonly #fields: readonly { readonly name: string; readonly type: string; readonly step?: number }[];
  readonly #side: number;
  readonly #columns: number;
  readonly #count: number;
  readonly #unit: number;
  readonly #placeBits: number;
  readonly #cellBits: number;

  readonly #zone: WireZone;

  constructor(zone: WireZone) {
    const { width, height, tileSize, stepsPerUnit = 16, interestTiles = 32, columns = [] } = zone;
    this.#zone = zone;
    const right = Math.floor(width * stepsPerUnit + 0.5);
    const bottom = Math.floor(height * stepsPerUnit + 0.5);
    let side = Math.max(1, Math.floor(interestTiles * tileSize * stepsPerUnit + 0.5));
    while (Math.ceil(right / side) * Math.ceil(bottom / side) > 65_536) side *= 2;
    this.#side = Math.min(side, STEPS_MAX);
    this.#columns = Math.ceil(right / this.#side);
    this.#count = this.#columns * Math.ceil(bottom / this.#side);
    this.#unit = 1 / stepsPerUnit;
    this.#placeBits = this.#side.toString(2).length;
    this.#cellBits = Math.ceil(Math.log2(this.#count));
    this.#fields = [...FIXED, ...columns];
  }

  /** Another one that knows the same. */
  fork(): WireReader {
    const other = new WireReader(this.#zone);
    const { tick, ack, you, own, cells, shown, hashes } = this;
    Object.assign(other, { tick, ack, you, own, cells, shown, hashes });
    other.#between = this.#between;
    return other;
  }

  /** Throws for a frame that breaks a rule, and knows then what it knew. */
  read(frame: Uint8Array): void {
    const bytes = new Bytes(frame);
    must(bytes.u8() === 1, "the kind");
    const flags = bytes.u8();
    must(flags < 16, "flags");
    const tick = this.tick + bytes.varint();
    must(tick < 2 ** 32, "the tick");
    const more = flags & 1 ? bytes.varint() : 0;
    must((flags & 1) === 0 || more !== 0, "an ack that is the same");
    const you = flags & 2 ? bytes.varint() : this.you;
    must((flags & 2) === 0 || you !== this.you, "a you that is the same");
    const own = this.#readOwn(bytes, (flags & 4) !== 0, you);
    const forgotten = this.#readForgotten(bytes, (flags & 8) !== 0);
    const cells = new Map(this.cells);
    for (const cell of forgotten) cells.delete(cell);
    const went = new Map<number, number>();
    const hashes = new Map<number, number>();
    let cell = -1;
    let blocks = 0;
    while (!bytes.isAtEnd) {
      cell += 1 + bytes.varint();
      must(cell < this.#count && !forgotten.includes(cell) && ++blocks <= 1024, "a block's cell");
      cells.set(cell, this.#readBlock(new Bits(bytes.take(bytes.varint())), cell, tick, went, hashes));
    }
    this.#show(cells, tick, went);
    this.tick = tick;
    this.ack = (this.ack + more) % 2 ** 32;
    this.you = you;
    this.own = own;
    this.cells = cells;
    for (const [cell, hash] of hashes) {
      this.hashes++;
      if (hash !== this.#hash(cells.get(cell)!)) this.odd.push(cell);
    }
  }

  #readOwn(bytes: Bytes, isThere: boolean, you: number): Record<string, number> {
    const own = you === this.you ? { ...this.own } : Object.fromEntries(OWN.map(([name]) => [name, 0]));
    if (!isThere) return own;
    const mask = bytes.varint();
    must(you !== 0 && mask > 0 && mask < 2 ** OWN.length, "the mask of the private part");
    OWN.forEach(([name, how], bit) => {
      if (((mask >> bit) & 1) === 0) return;
      if (how === "float") own[name] = bytes.f32();
      else own[name] = how === "number" ? bytes.varint() : unzigzag(bytes.varint());
    });
    return own;
  }

  #readForgotten(bytes: Bytes, isThere: boolean): number[] {
    if (!isThere) return [];
    const count = bytes.varint();
    must(count > 0 && count <= this.#count, "the count of forgotten cells");
    let cell = -1;
    return Array.from({ length: count }, () => {
      cell += 1 + bytes.varint();
      must(cell < this.#count, "a forgotten cell");
      return cell;
    });
  }

  /** went: where those who left went to; hashes: of the cells that have one. */
  #readBlock(bits: Bits, cell: number, tick: number, went: Map<number, number>, hashes: Map<number, number>): Cell {
    const stream = bits.number(2);
    must(stream < 3, "the stream");
    const isFull = bits.bit() === 1;
    const isHashed = bits.bit() === 1;
    let members: Being[];
    if (isFull) members = this.#readRecords(bits, new Set());
    else {
      const age = bits.number(3) + 1;
      const before = this.cells.get(cell);
      must(before?.stream === stream, "a delta of a cell that is not known, or by another stream");
      const former = before!.members;
      const stays = this.#readLeaves(bits, cell, former, went);
      const enters = this.#readRecords(bits, new Set(former.map(({ id }) => id)));
      const moved = stays.length === 0 ? [] : this.#readChanges(bits, this.#readMoves(bits, stays, age));
      members = [...moved, ...enters].sort((a, b) => a.id - b.id);
    }
    if (isHashed) hashes.set(cell, bits.number(32));
    bits.end();
    return { stream, tick, members };
  }

  #readRecords(bits: Bits, taken: ReadonlySet<number>): Being[] {
    const count = bits.gamma();
    if (count === 0) return [];
    let id = 0;
    const ids = bits.run(count).map((gap) => {
      id += 1 + gap;
      must(id < 2 ** 32 && !taken.has(id), "an id");
      return id;
    });
    const places = ids.map(() => [bits.number(this.#placeBits), bits.number(this.#placeBits)] as const);
    const steps = bits.run(2 * count).map(unzigzag);
    const words = this.#fields.map(({ type, step }) => {
      if (type === "f32" && step === undefined) return ids.map(() => bits.word());
      return bits.run(count).map((z) => unzigzag(z) | 0);
    });
    return ids.map((id, i) => {
      const [x, y] = places[i]!;
      return this.#checked({ id, x, y, dx: steps[2 * i]!, dy: steps[2 * i + 1]!, words: words.map((of) => of[i]!) });
    });
  }

  #readLeaves(bits: Bits, cell: number, members: readonly Being[], went: Map<number, number>): Being[] {
    const count = bits.gamma();
    const gone = new Set<Being>();
    let last = -1;
    for (let i = 0; i < count; i++) {
      last += 1 + bits.gamma();
      must(last < members.length, "the ordinal of a leave");
      gone.add(members[last]!);
      if (bits.bit() === 0) continue;
      const to = bits.number(this.#cellBits);
      must(to < this.#count && to !== cell, "where a leave is for");
      went.set(members[last]!.id, to);
    }
    return members.filter((member) => !gone.has(member));
  }

  #readMoves(bits: Bits, stays: readonly Being[], age: number): Being[] {
    const each = age === 1 ? 2 : 4;
    const how = bits.number(2);
    must(how < 3, "how they move");
    const differences = stays.map(() => [0, 0, 0, 0]);
    let of: number[] = [];
    if (how === 1) of = [...stays.keys()];
    if (how === 2) of = bits.ordinals(bits.gamma() + 1, stays.length);
    const values = bits.run(each * of.length).map(unzigzag);
    of.forEach((ordinal, i) => {
      for (let k = 0; k < each; k++) differences[ordinal]![k] = values[each * i + k]!;
    });
    return stays.map((being, i) => {
      const [offX, offY, offDx, offDy] = differences[i]! as [number, number, number, number];
      const x = being.x + age * being.dx + offX;
      const y = being.y + age * being.dy + offY;
      if (age > 1) return this.#checked({ ...being, x, y, dx: being.dx + offDx, dy: being.dy + offDy });
      const [dx, dy] = [x - being.x, y - being.y];
      const isJump = Math.max(Math.abs(dx), Math.abs(dy)) > JUMP;
      return this.#checked({ ...being, x, y, dx: isJump ? 0 : dx, dy: isJump ? 0 : dy });
    });
  }

  #readChanges(bits: Bits, stays: readonly Being[]): Being[] {
    if (bits.bit() === 0) return [...stays];
    const mask = bits.number(this.#fields.length);
    must(mask !== 0, "a mask of fields that is 0");
    const words = stays.map((being) => [...being.words]);
    this.#fields.forEach(({ type, step }, field) => {
      if (((mask >> field) & 1) === 0) return;
      const ordinals = bits.ordinals(bits.gamma() + 1, stays.length);
      if (type === "f32" && step === undefined) {
        for (const ordinal of ordinals) words[ordinal]![field] = bits.word();
        return;
      }
      const changes = bits.run(ordinals.length).map(unzigzag);
      ordinals.forEach((ordinal, i) => {
        words[ordinal]![field] = sum(words[ordinal]![field]!, changes[i]!);
      });
    });
    return stays.map((being, i) => this.#checked({ ...being, words: words[i]! }));
  }

  #checked(being: Being): Being {
    const { x, y, dx, dy, words } = being;
    must(x >= 0 && y >= 0 && x <= this.#side && y <= this.#side, "a place");
    must(Math.abs(dx) <= JUMP && Math.abs(dy) <= JUMP, "steps");
    this.#fields.forEach(({ type, step }, field) => {
      const word = words[field]!;
      if (type === "f32" && step === undefined) must(Number.isFinite(floatOf(word)), "a raw float");
      const range = RANGES[type];
      if (range !== undefined) must(word >= range[0] && word <= range[1], "a word");
    });
    return being;
  }

  #hash({ members }: Cell): number {
    const mix = (h: number, v: number): number => Math.imul(((h << 5) | (h >>> 27)) ^ v, 0x9e3779b1);
    let h = members.length;
    for (const { id, x, y, dx, dy, words } of members) {
      for (const v of [id, x, y, (dx & 0xffff) | (dy << 16), ...words]) h = mix(h, v);
    }
    return h >>> 0;
  }

  #show(cells: ReadonlyMap<number, Cell>, tick: number, went: ReadonlyMap<number, number>): void {
    const shown = new Map<number, Readonly<Record<string, number>>>();
    const ticks = new Map<number, number>();
    for (const [number, cell] of cells) {
      for (const being of cell.members) {
        if ((ticks.get(being.id) ?? -1) > cell.tick) continue;
        ticks.set(being.id, cell.tick);
        shown.set(being.id, this.#valuesOf(being, number));
      }
    }
    const between = new Map<number, { readonly to: number; readonly tick: number }>();
    for (const [id, values] of this.shown) {
      if (shown.has(id)) continue;
      const was = this.#between.get(id);
      const to = cells.get(was?.to ?? went.get(id) ?? -1);
      const since = was?.tick ?? tick;
      const isGone = to === undefined || (was === undefined ? to.tick >= tick : to.tick > since) || tick - since > 60;
      if (isGone) continue;
      between.set(id, was ?? { to: went.get(id)!, tick });
      shown.set(id, values);
    }
    this.shown = shown;
    this.#between = between;
  }

  #valuesOf({ id, x, y, words }: Being, cell: number): Record<string, number> {
    const left = (cell % this.#columns) * this.#side;
    const top = Math.floor(cell / this.#columns) * this.#side;
    const values: Record<string, number> = { id, x: (left + x) * this.#unit, y: (top + y) * this.#unit };
    this.#fields.forEach(({ name, type, step }, field) => {
      const word = words[field]!;
      if (type === "f32") values[name] = step === undefined ? floatOf(word) : word * step;
      else values[name] = type === "u32" ? word >>> 0 : word;
    });
    return values;
  }
}
