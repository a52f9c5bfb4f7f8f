/**
 * Where the visitor's player is drawn: where it is by now, as its own connection predicts, so that it walks when the key is pressed; and where
 * the watching connection has it, as everybody else, while nothing is predicted. From one to the other it glides.
 */
import type { Connection, Tracks } from "../client.js";

/** Milliseconds in which what is left of the way falls to a third. */
const GLIDE_MS = 60;
/** Units that are not glided over. */
const JUMP_UNITS = 128;

export class OwnPlace {
  /** Whether it was predicted in the last frame. */
  isPredicted = false;
  /** The entity that what follows is of; 0 for none. */
  #id = 0;
  /** Where it was drawn last, in units, and when. */
  #x = 0;
  #y = 0;
  /** What is left of the way from one to the other. */
  #offsetX = 0;
  #offsetY = 0;
  #lastMs = 0;

  /** Puts it there in the tracks of the watching connection, which were interpolated just now. dx, dy: the keys that are held. */
  update({ tracks, zone }: Connection, player: Connection | null, dx: number, dy: number, nowMs: number): void {
    const isHere = player !== null && player.zone.name === zone.name && player.you !== 0;
    const index = isHere ? tracks.indexOf(player.you) : -1;
    if (!isHere || index < 0) {
      this.#id = 0;
      this.isPredicted = false;
      return;
    }
    const predicted = player.predict(nowMs);
    const [x, y] = predicted === null ? [tracks.x[index]!, tracks.y[index]!] : [predicted.x, predicted.y];
    this.#glide(player.you, predicted !== null, x, y, nowMs);
    tracks.x[index] = this.#x = x + this.#offsetX;
    tracks.y[index] = this.#y = y + this.#offsetY;
    if (predicted !== null && (dx !== 0 || dy !== 0)) face(tracks, index, dx, dy);
  }

  #glide(id: number, isPredicted: boolean, x: number, y: number, nowMs: number): void {
    const share = Math.exp(-Math.max(0, nowMs - this.#lastMs) / GLIDE_MS);
    this.#lastMs = nowMs;
    this.#offsetX *= share;
    this.#offsetY *= share;
    if (id !== this.#id) this.#offsetX = this.#offsetY = 0;
    else if (isPredicted !== this.isPredicted) {
      const [offsetX, offsetY] = [this.#x - x, this.#y - y];
      const isJump = Math.abs(offsetX) > JUMP_UNITS || Math.abs(offsetY) > JUMP_UNITS;
      this.#offsetX = isJump ? 0 : offsetX;
      this.#offsetY = isJump ? 0 : offsetY;
    }
    this.#id = id;
    this.isPredicted = isPredicted;
  }
}

function face(tracks: Tracks, index: number, dx: number, dy: number): void {
  const length = Math.hypot(dx, dy);
  tracks.headingX[index] = dx / length;
  tracks.headingY[index] = dy / length;
}
