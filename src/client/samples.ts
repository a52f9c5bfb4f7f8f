/**
 * The comfortable form of interpolated entities: one object each, by id. Objects are pooled; reading costs about 10 ns an
 * entity and leaves no garbage.
 */
import type { EntityId } from "../kernel/types.js";
import type { EntityRecord, RemoteEntity } from "../protocol/remote-entity.js";

class Sample implements RemoteEntity {
  id: EntityId = 0;
  x = 0;
  y = 0;
  hp = 0;
  kind = 0;
  team = 0;
}

export class Samples {
  readonly byId = new Map<EntityId, Sample>();
  readonly #byIndex: Sample[] = [];
  readonly #pool: Sample[] = [];

  enter(index: number, id: EntityId): void {
    const sample = this.#pool.pop() ?? new Sample();
    sample.id = id;
    this.#byIndex[index] = sample;
    this.byId.set(id, sample);
  }

  /** The entity at the last index, `from`, takes the index of the one that leaves. */
  leave(to: number, from: number): void {
    const sample = this.#byIndex[to]!;
    this.byId.delete(sample.id);
    this.#pool.push(sample);
    this.#byIndex[to] = this.#byIndex[from]!;
    this.#byIndex.length = from;
  }

  /** Brings all objects up to date; records and positions are indexed alike. */
  read(records: readonly EntityRecord[], x: Float32Array, y: Float32Array): void {
    for (let i = 0; i < records.length; i++) {
      const record = records[i]!;
      const sample = this.#byIndex[i]!;
      sample.x = x[i]!;
      sample.y = y[i]!;
      sample.hp = record.hp;
      sample.kind = record.kind;
      sample.team = record.team;
    }
  }
}
