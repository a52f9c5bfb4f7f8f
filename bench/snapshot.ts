/**
 * `snapshot`: what does it cost to tell v viewers what changed, once, in a world of n entities in which all move a bit? In the row without
 * viewers the whole world is encoded into one frame; in the others each viewer gets a frame of the some 50 entities around it. A second
 * row says how many bytes a frame has.
 *
 * A contender's readers decode what a few of the viewers got, and must see those entities that are there, where they are.
 */
import type { Contenders, Operation, Params } from "./operation.js";
import { colyseus } from "./snapshot-colyseus.js";
import { gyre } from "./snapshot-gyre.js";
import { cells } from "./snapshot-js.js";
import { nengi } from "./snapshot-nengi.js";
import { bitecs, json, msgpackr } from "./snapshot-packed.js";
import { COMPARED, Crowd, framesOf, type Known, sightsChecksum } from "./snapshot-world.js";

/** Tells all viewers. Viewer i looks from where entity i is. */
export interface Publisher {
  /** Untimed: the crowd moved on. Absent for those that read it themselves. */
  take?(): void;
  /** Makes the frames, and gives the bytes of all of them. */
  publish(): number;
  /** What the reader of a viewer's frames knows after this one, by entity. Called in each turn while answers are compared, and never after. */
  read(viewer: number): ReadonlyMap<number, Known>;
}

type MakePublisher = (crowd: Crowd, params: Params) => Publisher | Promise<Publisher>;

async function operationOf(make: MakePublisher, params: Params): Promise<Operation> {
  const crowd = new Crowd(params.n);
  const publisher = await make(crowd, params);
  const frames = framesOf(params);
  const compared = Math.min(COMPARED, frames);
  const read = (): ReadonlyMap<number, Known>[] =>
    Array.from({ length: compared }, (_, viewer) => publisher.read(viewer));
  // Who joins is told everything, some twice. That is not what a session is made of.
  for (let i = 0; i < 2; i++) {
    publisher.take?.();
    publisher.publish();
    read();
  }
  let bytes = 0;
  return {
    prepare() {
      crowd.advance();
      publisher.take?.();
    },
    run() {
      bytes = publisher.publish();
    },
    checksum: () => sightsChecksum(read()),
    bytes: () => bytes / frames,
  };
}

const MAKERS: Record<string, MakePublisher> = {
  simd: (crowd, params) => gyre("simd", crowd, params),
  scalar: (crowd, params) => gyre("scalar", crowd, params),
  js: cells,
  "@colyseus/schema": colyseus,
  nengi: (crowd, params) => nengi("grid", crowd, params),
  "nengi-aabb": (crowd, params) => nengi("aabb", crowd, params),
  bitecs: (crowd, params) => bitecs(false, crowd, params),
  "bitecs-diff": (crowd, params) => bitecs(true, crowd, params),
  msgpackr,
  JSON: json,
};

export const SNAPSHOT_VARIANTS = Object.keys(MAKERS);
/** Of one frame of everything; nengi has a user's view or nothing. */
export const WHOLE_VARIANTS = SNAPSHOT_VARIANTS.filter((name) => !name.startsWith("nengi"));

export const snapshotContenders: Contenders = Object.fromEntries(
  Object.entries(MAKERS).map(([name, make]) => [name, (params: Params) => operationOf(make, params)]),
);
