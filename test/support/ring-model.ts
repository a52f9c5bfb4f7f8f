/** What a ring does, said with one list in order of arrival. */
export class RingModel<T extends { readonly critical: boolean }> {
  waiting: T[] = [];
  droppedOldest = 0;
  droppedLow = 0;
  refused = 0;

  constructor(
    readonly capacity: number,
    readonly policy: "refuse" | "drop-oldest" | "drop-low",
  ) {}

  push(record: T): boolean {
    if (this.waiting.length === this.capacity) {
      if (this.policy === "refuse") {
        this.refused++;
        return false;
      }
      const oldestNormal = this.waiting.findIndex(({ critical }) => !critical);
      if (this.policy === "drop-low" && oldestNormal >= 0) {
        this.droppedLow++;
        this.waiting.splice(oldestNormal, 1);
      } else if (this.policy === "drop-low" && !record.critical) {
        this.droppedLow++;
        return false;
      } else {
        this.droppedOldest++;
        this.waiting.shift();
      }
    }
    this.waiting.push(record);
    return true;
  }
}
