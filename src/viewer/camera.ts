/** Where the page looks: a point of the world in the middle of the screen, and a zoom that follows its goal smoothly. */

/** Pixels per unit. */
const ZOOM_MIN = 0.02;
const ZOOM_MAX = 4;
/** Share of the way to the goal that is left after a second. */
const LAG_PER_SECOND = 0.0001;

export class Camera {
  /** Units, in the middle of the screen. */
  x = 0;
  y = 0;
  /** CSS pixels per unit. */
  zoom = 0.5;
  /** CSS pixels. */
  width = 1;
  height = 1;
  /** Device pixels per CSS pixel. */
  pixelRatio = 1;
  /** The rectangle of units on the screen, brought up to date by {@link update}. */
  readonly visible = { x0: 0, y0: 0, x1: 0, y1: 0 };
  #zoomGoal = 0.5;
  /** The point of the screen, in pixels from its middle, that stays where it is while zooming. */
  #anchorX = 0;
  #anchorY = 0;

  /** Looks at a point at once. */
  look(x: number, y: number, zoom: number): void {
    this.x = x;
    this.y = y;
    this.zoom = this.#zoomGoal = clampZoom(zoom);
  }

  /** By pixels of the screen. */
  pan(dx: number, dy: number): void {
    this.x -= dx / this.zoom;
    this.y -= dy / this.zoom;
  }

  /** Zooms by a factor around a point of the screen. */
  zoomBy(factor: number, screenX: number, screenY: number): void {
    this.#zoomGoal = clampZoom(this.#zoomGoal * factor);
    this.#anchorX = screenX - this.width / 2;
    this.#anchorY = screenY - this.height / 2;
  }

  /** Zooms in to at least this, around the middle. */
  zoomIn(zoom: number): void {
    this.#zoomGoal = Math.max(this.#zoomGoal, clampZoom(zoom));
    this.#anchorX = this.#anchorY = 0;
  }

  /** Glides towards a point that it follows: all of the way in about a second. */
  follow(x: number, y: number, seconds: number): void {
    const share = 1 - LAG_PER_SECOND ** seconds;
    this.x += (x - this.x) * share;
    this.y += (y - this.y) * share;
    this.#anchorX = this.#anchorY = 0;
  }

  update(seconds: number): void {
    const before = this.zoom;
    const zoom = before * (this.#zoomGoal / before) ** (1 - LAG_PER_SECOND ** seconds);
    this.zoom = Math.abs(zoom / this.#zoomGoal - 1) < 0.001 ? this.#zoomGoal : zoom;
    this.x += this.#anchorX / before - this.#anchorX / this.zoom;
    this.y += this.#anchorY / before - this.#anchorY / this.zoom;
    const { visible } = this;
    visible.x0 = this.x - this.width / 2 / this.zoom;
    visible.y0 = this.y - this.height / 2 / this.zoom;
    visible.x1 = this.x + this.width / 2 / this.zoom;
    visible.y1 = this.y + this.height / 2 / this.zoom;
  }

  /** The point of the world under one of the screen. */
  worldX(screenX: number): number {
    return this.x + (screenX - this.width / 2) / this.zoom;
  }

  worldY(screenY: number): number {
    return this.y + (screenY - this.height / 2) / this.zoom;
  }
}

function clampZoom(zoom: number): number {
  return Math.min(ZOOM_MAX, Math.max(ZOOM_MIN, zoom));
}
