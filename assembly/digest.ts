// Digests: XXH64 (Y. Collet, "xxHash fast digest algorithm", version 0.1.1) over a range of memory, chained over the ranges
// that make up the simulated state.
import { Archetype } from "./archetype";
import {
  COLUMNS, OWN_COLUMNS_MAX, SPEC_BYTES, STATE_BYTES, Zone, columnBytes, columnField, ownColumn, ownColumnBytes,
} from "./layout";
import { pathsOf } from "./ways";

const P1: u64 = 0x9e3779b185ebca87;
const P2: u64 = 0xc2b2ae3d27d4eb4f;
const P3: u64 = 0x165667b19e3779f9;
const P4: u64 = 0x85ebca77c2b2ae63;
const P5: u64 = 0x27d4eb2f165667c5;

// @ts-ignore: decorator
@inline
function round(accumulator: u64, input: u64): u64 {
  return rotl(accumulator + input * P2, 31) * P1;
}

// @ts-ignore: decorator
@inline
function merge(hash: u64, accumulator: u64): u64 {
  return (hash ^ round(0, accumulator)) * P1 + P4;
}

/** XXH64 of `size` bytes at `address`. */
export function digest(address: usize, size: usize, seed: u64): u64 {
  let at = address;
  const end = address + size;
  let hash: u64;
  if (size >= 32) {
    let a = seed + P1 + P2;
    let b = seed + P2;
    let c = seed;
    let d = seed - P1;
    for (; at + 32 <= end; at += 32) {
      a = round(a, load<u64>(at));
      b = round(b, load<u64>(at, 8));
      c = round(c, load<u64>(at, 16));
      d = round(d, load<u64>(at, 24));
    }
    hash = rotl(a, 1) + rotl(b, 7) + rotl(c, 12) + rotl(d, 18);
    hash = merge(merge(merge(merge(hash, a), b), c), d);
  } else {
    hash = seed + P5;
  }
  hash += <u64>size;
  for (; at + 8 <= end; at += 8) hash = rotl(hash ^ round(0, load<u64>(at)), 27) * P1 + P4;
  if (at + 4 <= end) {
    hash = rotl(hash ^ (<u64>load<u32>(at) * P1), 23) * P2 + P3;
    at += 4;
  }
  for (; at < end; at++) hash = rotl(hash ^ (<u64>load<u8>(at) * P5), 11) * P1;
  hash = (hash ^ (hash >> 33)) * P2;
  hash = (hash ^ (hash >> 29)) * P3;
  return hash ^ (hash >> 32);
}

// The parts of the simulated state, each one range: header, tiles, archetypes, paths, then the columns, of every slot ever used.
const PART_HEADER: u32 = 0;
const PART_TILES: u32 = 1;
const PART_ARCHETYPES: u32 = 2;
const PART_PATHS: u32 = 3;
const PART_COLUMNS: u32 = 4;
const PART_OWN: u32 = PART_COLUMNS + COLUMNS;
/** Parts that a zone can have; the last ones are columns of one's own. */
export const PARTS: u32 = PART_OWN + OWN_COLUMNS_MAX;

/** XXH64 of one part of the state; the seed itself when the part is empty. */
export function partHash(zone: Zone, part: u32, seed: u64): u64 {
  const n = <usize>zone.highWater;
  switch (part) {
    case PART_HEADER: return digest(changetype<usize>(zone), SPEC_BYTES + STATE_BYTES, seed);
    case PART_TILES: return digest(zone.tiles, <usize>(zone.tileStride * zone.tilesY) << 3, seed);
    case PART_ARCHETYPES:
      return digest(zone.archetypes, (<usize>zone.archetypeCount + 1) * offsetof<Archetype>(), seed);
    case PART_PATHS: return digest(pathsOf(zone).fields, <usize>zone.stateEnd - pathsOf(zone).fields, seed);
  }
  if (part < PART_OWN) {
    const column = part - PART_COLUMNS;
    return digest(load<usize>(columnField(zone, column)), n * columnBytes(column), seed);
  }
  const bytes = ownColumnBytes(zone, part - PART_OWN);
  return bytes == 0 ? seed : digest(ownColumn(zone, part - PART_OWN), n * bytes, seed);
}

/** Over the whole simulated state. */
export function zoneHash(zone: Zone): u64 {
  let hash: u64 = 0;
  for (let part: u32 = 0; part < PARTS; part++) hash = partHash(zone, part, hash);
  return hash;
}
