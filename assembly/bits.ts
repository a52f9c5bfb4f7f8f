// A stream of bits into memory, lowest bit of a byte first; docs/wire.md has the codes. What is not written yet is kept in memory
// like everything else, since the module has no globals. Writing costs some 2 ns a value.
//
//   accumulator  63 ........ count ...... 0     whole words leave at the low end

@unmanaged
export class BitWriter {
  accumulator: u64;
  /** Where the next word goes. */
  at: usize;
  /** Bits in the accumulator, below 32. */
  count: u32;
}

/** Ones of a Rice code that say: no quotient, the value as it is follows. */
export const RICE_ESCAPE: u32 = 24;
/** Bits of a Rice parameter, 0 to 31. */
export const RICE_PARAMETER_BITS: u32 = 5;
/** Bits of the longest code, a Rice code that escapes, or a gamma code. */
export const CODE_BITS_MAX: u32 = 63;

export function bitsBegin(out: BitWriter, at: usize): void {
  out.accumulator = 0;
  out.at = at;
  out.count = 0;
}

/** The low `size` bits of a value that has no others; size up to 32. */
// @ts-ignore: decorator
@inline
export function bitsWrite(out: BitWriter, value: u32, size: u32): void {
  const accumulator = out.accumulator | (<u64>value << out.count);
  const count = out.count + size;
  if (count < 32) {
    out.accumulator = accumulator;
    out.count = count;
  } else {
    store<u32>(out.at, <u32>accumulator);
    out.at += 4;
    out.accumulator = accumulator >> 32;
    out.count = count - 32;
  }
}

/** Zeros up to a whole byte; returns the address behind the last one. Writes up to 3 bytes beyond it. */
export function bitsEnd(out: BitWriter): usize {
  store<u32>(out.at, <u32>out.accumulator);
  return out.at + ((out.count + 7) >> 3);
}

/** Zigzag: 0, -1, 1, -2, ... as 0, 1, 2, 3, ... */
// @ts-ignore: decorator
@inline
export function zigzag(value: i32): u32 {
  return (value << 1) ^ (value >> 31);
}

/** Elias gamma of value + 1, below 2^32: as many ones as it has bits behind its first, a zero, those bits. */
export function gammaWrite(out: BitWriter, value: u32): void {
  const number = value + 1;
  assert(number != 0);
  const size = 31 - clz(number);
  const low = (1 << size) - 1;
  bitsWrite(out, low, size + 1);
  bitsWrite(out, number & low, size);
}

export function gammaSize(value: u32): u32 {
  return 2 * (31 - clz(value + 1)) + 1;
}

/** value >> parameter as so many ones and a zero, then the low bits; 24 ones and the value where there would be more. */
export function riceWrite(out: BitWriter, parameter: u32, value: u32): void {
  const quotient = value >> parameter;
  if (quotient < RICE_ESCAPE) {
    bitsWrite(out, (1 << quotient) - 1, quotient + 1);
    bitsWrite(out, value & ((1 << parameter) - 1), parameter);
  } else {
    bitsWrite(out, (1 << RICE_ESCAPE) - 1, RICE_ESCAPE);
    bitsWrite(out, value, 32);
  }
}

/** Bits of `count` values, u32 at `values`, under this parameter. */
export function riceSize(values: usize, count: u32, parameter: u32): u64 {
  let bits: u64 = <u64>count * (1 + parameter);
  const most = RICE_ESCAPE + 32 - 1 - parameter;
  const end = values + (<usize>count << 2);
  for (let at = values; at < end; at += 4) {
    const quotient = load<u32>(at) >> parameter;
    bits += <u64>(quotient < RICE_ESCAPE ? quotient : most);
  }
  return bits;
}

/** The parameter under which these values take the fewest bits, or nearly: from that of their mean downwards, as long as it gets better. */
export function riceParameter(values: usize, count: u32): u32 {
  let sum: u64 = 0;
  const end = values + (<usize>count << 2);
  for (let at = values; at < end; at += 4) sum += load<u32>(at);
  if (sum == 0) return 0;
  const mean = max<u64>(1, sum / count);
  let best: u32 = min<u32>(31, 63 - <u32>clz(mean));
  let least = riceSize(values, count, best);
  while (best > 0) {
    const bits = riceSize(values, count, best - 1);
    if (bits > least) break;
    least = bits;
    best--;
  }
  return best;
}

/** A parameter that suits them, then the values. */
export function riceWriteAll(out: BitWriter, values: usize, count: u32): void {
  const parameter = riceParameter(values, count);
  bitsWrite(out, parameter, RICE_PARAMETER_BITS);
  const end = values + (<usize>count << 2);
  for (let at = values; at < end; at += 4) riceWrite(out, parameter, load<u32>(at));
}
