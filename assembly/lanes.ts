// Tools shared by the SIMD loops.

/**
 * Writes 16 shuffles of 16 bytes at `table`: shuffle m moves the 32-bit lanes whose bit is set in m to the front. In memory and not
 * in the module, which has no data segment.
 */
export function compressTable(table: usize): void {
  for (let mask: u32 = 0; mask < 16; mask++) {
    let to = table + (mask << 4);
    for (let lane: u32 = 0; lane < 4; lane++) {
      if (!((mask >>> lane) & 1)) continue;
      store<u32>(to, (lane << 2) * 0x01010101 + 0x03020100);
      to += 4;
    }
    for (; to < table + ((mask + 1) << 4); to += 4) store<u32>(to, 0x80808080);
  }
}

/** Bits of the lanes of a 4-lane group that are inside a run with `left` entries from the group's start on. */
// @ts-ignore: decorator
@inline
export function tailBits(left: u32): u32 {
  return left >= 4 ? 15 : (1 << left) - 1;
}
