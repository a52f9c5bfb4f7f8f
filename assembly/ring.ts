// A ring of fixed 32-byte records between one producer and one reader: what happened in a zone on its way out (events), what was
// asked of it on its way in (commands). src/kernel/ring.ts reads and writes the same bytes.
//
//     ring ┌───────────────────────┐   a multiple of 64
//          │ capacity, policy      │   0    fixed for life
//          ├───────────────────────┤
//          │ tails, counters       │   64   written by the producer   ┐ a cache line each, so that two threads
//          ├───────────────────────┤                                  │ do not take it from one another
//          │ heads, announced      │   128  written by the reader     ┘
//          ├───────────────────────┤
//          │ lane 0: records       │   192
//          ├───────────────────────┤
//          │ lane 1: records       │   drop-low only: what is critical
//          │ before: u32 a record  │   and the tail of lane 0 when it came
//          └───────────────────────┘
//
//     a lane    . . 3 4 5 6 . .        head 3, tail 7: record n lies at n mod capacity. Cursors count on for ever, in u32
//                   │       └ tail     arithmetic: tail - head is how many wait, across 2^32 too
//                   └ head
//
// Only one policy asks whether a record is critical, so only its rings have a second lane: `refuse` and `drop-oldest` are one FIFO.
// Lanes share the capacity: tails - heads never exceeds it. Nothing is ever searched or moved, so every policy is O(1). The order of
// arrival is kept without a number in each record: a critical one remembers how far lane 0 had come, and is next as soon
// as lane 0 has been read up to there. (That holds while fewer than 2^31 normal records come during the wait of a critical one.)
//
// Threads: under `refuse` the producer writes tails and the reader heads only, with atomic stores, so that both may run at once,
// one thread each. The drop policies move the reader's head: there producer and reader take turns.

export const RING_CAPACITY: u32 = 0;
export const RING_POLICY: u32 = 4;
/** Two u32, one a lane. */
export const RING_TAIL: u32 = 64;
export const RING_DROPPED_OLDEST: u32 = 72;
export const RING_DROPPED_LOW: u32 = 76;
export const RING_REFUSED: u32 = 80;
/** Two u32, one a lane. */
export const RING_HEAD: u32 = 128;
/** How many of the lost ones the reader has told of. */
export const RING_ANNOUNCED: u32 = 136;
export const RING_RECORDS: u32 = 192;

/** A record: half a cache line, and room for an event or for a command with two doubles. */
export const RECORD_BYTES: u32 = 32;
/** Records: 2 MiB a lane, some 1,000 ticks of a busy zone. More only hides that nobody reads. */
export const RING_CAPACITY_MAX: u32 = 65536;

// What happens when the ring is full.
/** The new one is not taken, and its producer is told. First, so that a header of zeros is a ring that takes nothing. */
export const RING_REFUSE: u32 = 0;
/** The oldest record is forgotten, critical or not. */
export const RING_DROP_OLDEST: u32 = 1;
/** The oldest normal one is forgotten; with none there, the new one if it is normal, else the oldest critical one. */
export const RING_DROP_LOW: u32 = 2;

@unmanaged
class Event {
  type: u16; //       0
  critical: u8; //    2
  reserved: u8; //    3
  tick: u32; //       4
  source: u32; //     8  id
  target: u32; //    12  id
  value: i32; //     16
  extra: i32; //     20
  x: f32; //         24
  y: f32; //         28
}

export const EVENT_TYPE: u32 = offsetof<Event>("type");
export const EVENT_CRITICAL: u32 = offsetof<Event>("critical");
export const EVENT_TICK: u32 = offsetof<Event>("tick");
export const EVENT_SOURCE: u32 = offsetof<Event>("source");
export const EVENT_TARGET: u32 = offsetof<Event>("target");
export const EVENT_VALUE: u32 = offsetof<Event>("value");
export const EVENT_EXTRA: u32 = offsetof<Event>("extra");
export const EVENT_X: u32 = offsetof<Event>("x");
export const EVENT_Y: u32 = offsetof<Event>("y");

if (offsetof<Event>() != RECORD_BYTES) ERROR("an event must be a record");

/** Bytes of a ring of this capacity. */
export function ringBytes(capacity: u32, policy: u32): u64 {
  const lane = <u64>capacity * RECORD_BYTES;
  return RING_RECORDS + (policy == RING_DROP_LOW ? 2 * lane + ((<u64>capacity) << 2) : lane);
}

/** Makes a ring of ringBytes at a multiple of 64 empty. capacity: records, a power of two. */
export function ringInit(ring: usize, capacity: u32, policy: u32): void {
  assert(ring != 0 && (ring & 63) == 0);
  assert(capacity >= 2 && capacity <= RING_CAPACITY_MAX && (capacity & (capacity - 1)) == 0);
  assert(policy <= RING_DROP_LOW);
  memory.fill(ring, 0, RING_RECORDS);
  store<u32>(ring, capacity, RING_CAPACITY);
  store<u32>(ring, policy, RING_POLICY);
}

/** Forgets what waits, as if it had been read. For when neither producer nor reader is at work. */
export function ringClear(ring: usize): void {
  store<u64>(ring, load<u64>(ring, RING_TAIL), RING_HEAD);
}

// @ts-ignore: decorator
@inline
function loadCursor(address: usize): u32 {
  return ASC_FEATURE_THREADS ? atomic.load<u32>(address) : load<u32>(address);
}

// @ts-ignore: decorator
@inline
function storeCursor(address: usize, value: u32): void {
  if (ASC_FEATURE_THREADS) atomic.store<u32>(address, value);
  else store<u32>(address, value);
}

// @ts-ignore: decorator
@inline
function count(counter: usize): void {
  store<u32>(counter, load<u32>(counter) + 1);
}

/** Makes room in a full ring by its policy; false when the new record is the one to go. */
function makeRoom(ring: usize, critical: bool): bool {
  const policy = load<u32>(ring, RING_POLICY);
  if (policy == RING_REFUSE) {
    count(ring + RING_REFUSED);
    return false;
  }
  let head = ring + RING_HEAD;
  if (policy == RING_DROP_LOW) {
    if (load<u32>(ring, RING_TAIL) != load<u32>(head)) {
      count(ring + RING_DROPPED_LOW);
      storeCursor(head, load<u32>(head) + 1);
      return true;
    }
    if (!critical) {
      count(ring + RING_DROPPED_LOW);
      return false;
    }
    head += 4;
  }
  count(ring + RING_DROPPED_OLDEST);
  storeCursor(head, load<u32>(head) + 1);
  return true;
}

/** Puts an event in. False when it was not taken. type: below 65,536. */
export function ringPushEvent(
  ring: usize, type: u32, critical: bool, tick: u32, source: u32, target: u32, value: i32, extra: i32, x: f32, y: f32,
): bool {
  const capacity = load<u32>(ring, RING_CAPACITY);
  const waiting =
    load<u32>(ring, RING_TAIL) - loadCursor(ring + RING_HEAD) + (load<u32>(ring, RING_TAIL + 4) - loadCursor(ring + RING_HEAD + 4));
  assert(waiting <= capacity && type <= 0xffff);
  if (waiting == capacity && !makeRoom(ring, critical)) return false;

  const lane: u32 = critical && load<u32>(ring, RING_POLICY) == RING_DROP_LOW ? 1 : 0;
  const tail = load<u32>(ring + (lane << 2), RING_TAIL);
  const place = tail & (capacity - 1);
  const records = ring + RING_RECORDS;
  if (lane) store<u32>(records + ((capacity * 2) << 5) + (place << 2), load<u32>(ring, RING_TAIL));
  const event = changetype<Event>(records + ((lane * capacity + place) << 5));
  event.type = <u16>type;
  event.critical = <u8>critical;
  event.reserved = 0;
  event.tick = tick;
  event.source = source;
  event.target = target;
  event.value = value;
  event.extra = extra;
  event.x = x;
  event.y = y;
  storeCursor(ring + RING_TAIL + (lane << 2), tail + 1);
  return true;
}
