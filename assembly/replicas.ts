// The exports of the replica module: functions over addresses, and the constants that the host needs to fill and to read a replica. A module
// of its own, since an instance costs some 5 us and 100 bytes for each export, and there are two of them a zone, one a thread.
export { BASE, CAPACITY_MAX } from "./layout";
export { blockEncode, blocksBegin } from "./cell";
export {
  CELLS_MAX, FIELDS_MAX, GENERATIONS, HISTORY, OWN_WORDS, REPLICA_FIELDS_AT, STREAMS, replicaLayout, replicaTake,
} from "./replica";

import { BlockStore, Generation, Replica, ReplicaField } from "./replica";

export const REPLICA_CAPACITY: u32 = offsetof<Replica>("capacity");
export const REPLICA_SEATS: u32 = offsetof<Replica>("seats");
export const REPLICA_FIELD_COUNT: u32 = offsetof<Replica>("fieldCount");
export const REPLICA_COLUMNS: u32 = offsetof<Replica>("columns");
export const REPLICA_ROWS: u32 = offsetof<Replica>("rows");
export const REPLICA_SIDE_STEPS: u32 = offsetof<Replica>("sideSteps");
export const REPLICA_STREAM_BITS: u32 = offsetof<Replica>("streamBits");
export const REPLICA_STEPS_PER_UNIT: u32 = offsetof<Replica>("stepsPerUnit");
export const REPLICA_HASH_EVERY: u32 = offsetof<Replica>("hashEvery");
export const REPLICA_GENERATION_BYTES: u32 = offsetof<Replica>("generationBytes");
export const REPLICA_STORES: u32 = offsetof<Replica>("stores");
export const REPLICA_AT_ID: u32 = offsetof<Replica>("atId");
export const REPLICA_AT_CELL: u32 = offsetof<Replica>("atCell");
export const REPLICA_AT_X: u32 = offsetof<Replica>("atX");
export const REPLICA_AT_Y: u32 = offsetof<Replica>("atY");
export const REPLICA_AT_DELTA: u32 = offsetof<Replica>("atDelta");
export const REPLICA_AT_STARTS: u32 = offsetof<Replica>("atStarts");
export const REPLICA_AT_SLOTS: u32 = offsetof<Replica>("atSlots");
export const REPLICA_AT_WORDS: u32 = offsetof<Replica>("atWords");
export const REPLICA_AT_OWN: u32 = offsetof<Replica>("atOwn");
export const REPLICA_AT_ACKS: u32 = offsetof<Replica>("atAcks");
export const REPLICA_AT_TAGS: u32 = offsetof<Replica>("atTags");
export const REPLICA_WORDS_STRIDE: u32 = offsetof<Replica>("wordsStride");
export const REPLICA_INTAKE: u32 = offsetof<Replica>("intake");
export const REPLICA_INTAKE_STRIDE: u32 = offsetof<Replica>("intakeStride");
export const REPLICA_SEAT_ENTITY: u32 = offsetof<Replica>("seatEntity");
export const REPLICA_SEAT_ACK: u32 = offsetof<Replica>("seatAck");
export const REPLICA_SEAT_TAG: u32 = offsetof<Replica>("seatTag");
export const REPLICA_BEGUN: u32 = offsetof<Replica>("begun");
export const REPLICA_PUBLISHED: u32 = offsetof<Replica>("published");
export const REPLICA_FIELD_BYTES: u32 = offsetof<ReplicaField>();
export const REPLICA_FIELD_TYPE: u32 = offsetof<ReplicaField>("type");
export const REPLICA_FIELD_SOURCE: u32 = offsetof<ReplicaField>("source");
export const REPLICA_FIELD_SCALE: u32 = offsetof<ReplicaField>("scale");
export const BLOCK_STORE_BYTES: u32 = 32;
export const BLOCK_STORE_GENERATIONS: u32 = offsetof<BlockStore>("generations");
export const BLOCK_STORE_MEMO: u32 = offsetof<BlockStore>("memo");
export const GENERATION_TICK: u32 = offsetof<Generation>("tick");
