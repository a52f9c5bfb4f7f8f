/**
 * The replica's module: see assembly/replicas.ts for why it is one of its own. It is small, and compiled where it is first needed; there is
 * nothing for SIMD in it, so that both lanes of the kernel share one.
 */
import localChecked from "../../build/wasm/replica-local-checked.wasm";
import localRelease from "../../build/wasm/replica-local-release.wasm";
import sharedChecked from "../../build/wasm/replica-shared-checked.wasm";
import sharedRelease from "../../build/wasm/replica-shared-release.wasm";
import { InstanceFactory, type ModuleBuild } from "./instance.js";

/** `replica` is an address; see assembly/replica.ts and assembly/cell.ts. */
export interface ReplicaFunctions {
  replicaLayout(replica: number): number;
  replicaTake(replica: number, stream: number, sequence: number, tick: number, highWater: number): void;
  blocksBegin(replica: number, stream: number, sequence: number): void;
  blockEncode(replica: number, stream: number, cell: number, age: number): number;
}

const CONSTANTS = [
  "BASE",
  "BLOCK_STORE_BYTES",
  "BLOCK_STORE_GENERATIONS",
  "BLOCK_STORE_MEMO",
  "CAPACITY_MAX",
  "CELLS_MAX",
  "FIELDS_MAX",
  "GENERATIONS",
  "GENERATION_TICK",
  "HISTORY",
  "OWN_WORDS",
  "REPLICA_AT_ACKS",
  "REPLICA_AT_CELL",
  "REPLICA_AT_DELTA",
  "REPLICA_AT_ID",
  "REPLICA_AT_OWN",
  "REPLICA_AT_SLOTS",
  "REPLICA_AT_STARTS",
  "REPLICA_AT_TAGS",
  "REPLICA_AT_WORDS",
  "REPLICA_AT_X",
  "REPLICA_AT_Y",
  "REPLICA_BEGUN",
  "REPLICA_CAPACITY",
  "REPLICA_COLUMNS",
  "REPLICA_FIELDS_AT",
  "REPLICA_FIELD_BYTES",
  "REPLICA_FIELD_COUNT",
  "REPLICA_FIELD_SCALE",
  "REPLICA_FIELD_SOURCE",
  "REPLICA_FIELD_TYPE",
  "REPLICA_GENERATION_BYTES",
  "REPLICA_HASH_EVERY",
  "REPLICA_INTAKE",
  "REPLICA_INTAKE_STRIDE",
  "REPLICA_PUBLISHED",
  "REPLICA_ROWS",
  "REPLICA_SEATS",
  "REPLICA_SEAT_ACK",
  "REPLICA_SEAT_ENTITY",
  "REPLICA_SEAT_TAG",
  "REPLICA_SIDE_STEPS",
  "REPLICA_STEPS_PER_UNIT",
  "REPLICA_STORES",
  "REPLICA_STREAM_BITS",
  "REPLICA_WORDS_STRIDE",
  "STREAMS",
] as const;

export type ReplicaConstant = (typeof CONSTANTS)[number];
export type ReplicaConstants = Readonly<Record<ReplicaConstant, number>>;
export type ReplicaFactory = InstanceFactory<ReplicaFunctions, ReplicaConstant>;

const factories = new Map<() => Uint8Array<ArrayBuffer>, ReplicaFactory>();

export function replicasOf({ shared, checked }: ModuleBuild): ReplicaFactory {
  const bytes = shared ? (checked ? sharedChecked : sharedRelease) : checked ? localChecked : localRelease;
  let factory = factories.get(bytes);
  if (factory === undefined) {
    factory = new InstanceFactory(new WebAssembly.Module(bytes()), { shared, checked }, CONSTANTS);
    factories.set(bytes, factory);
  }
  return factory;
}
