// The zone's generator: PCG-XSH-RR 64/32 (M. O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good
// Algorithms for Random Number Generation", 2014). 8 bytes of state in the header, so it is saved, restored and hashed.
import { Zone } from "./layout";

const MULTIPLIER: u64 = 6364136223846793005;
const INCREMENT: u64 = 1442695040888963407;

export function randomSeed(zone: Zone): void {
  zone.random = 0;
  random(zone);
  zone.random += zone.seed;
  random(zone);
}

/** The next u32. */
export function random(zone: Zone): u32 {
  const state = zone.random;
  zone.random = state * MULTIPLIER + INCREMENT;
  return rotr(<u32>(((state >> 18) ^ state) >> 27), <u32>(state >> 59));
}
