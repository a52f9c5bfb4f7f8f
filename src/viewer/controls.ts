/** What the visitor's hands do: drag to pan, wheel to zoom, click to choose, WASD or the arrows to walk, space to strike, F, O and Esc. */
import type { Camera } from "./camera.js";

/** Pixels that a press may move and still be a click. */
const CLICK_PIXELS = 4;
/** How much one step of a wheel zooms: 100 of its units are a factor of about 1.2. */
const ZOOM_PER_WHEEL_UNIT = 0.0018;

const STEPS: Readonly<Record<string, readonly [number, number]>> = {
  KeyW: [0, -1],
  KeyA: [-1, 0],
  KeyS: [0, 1],
  KeyD: [1, 0],
  ArrowUp: [0, -1],
  ArrowLeft: [-1, 0],
  ArrowDown: [0, 1],
  ArrowRight: [1, 0],
};

export interface ControlEvents {
  /** The wish direction changed; (0, 0) when all keys are up. */
  steer(dx: number, dy: number): void;
  /** Space, again and again while it is held. */
  strike(): void;
  /** A click on a point of the screen. */
  choose(screenX: number, screenY: number): void;
  /** F. */
  follow(): void;
  /** O. */
  overlay(): void;
  /** Esc. */
  release(): void;
  /** The visitor took the camera. */
  panned(): void;
}

export class Controls {
  /** The wish direction, not yet of length 1. */
  dx = 0;
  dy = 0;
  /** Where the pointer is, in pixels of the screen. */
  pointerX = 0;
  pointerY = 0;
  readonly #canvas: HTMLCanvasElement;
  readonly #camera: Camera;
  readonly #events: ControlEvents;
  readonly #held = new Set<string>();
  /** Pixels that the pointer moved since it was pressed; -1 while it is not. */
  #dragged = -1;

  constructor(canvas: HTMLCanvasElement, camera: Camera, events: ControlEvents) {
    this.#canvas = canvas;
    this.#camera = camera;
    this.#events = events;
    canvas.addEventListener("pointerdown", (event) => this.#press(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", (event) => this.#lift(event));
    canvas.addEventListener("pointercancel", () => this.#drop());
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    addEventListener("keydown", (event) => this.#key(event, true));
    addEventListener("keyup", (event) => this.#key(event, false));
    addEventListener("blur", () => this.releaseKeys());
  }

  /** Nobody holds a key any more: the page lost the keyboard. */
  releaseKeys(): void {
    this.#held.clear();
    this.#steer();
  }

  #press(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#canvas.classList.add("dragging");
    this.#dragged = 0;
  }

  #move(event: PointerEvent): void {
    this.pointerX = event.clientX;
    this.pointerY = event.clientY;
    if (this.#dragged < 0) return;
    this.#dragged += Math.abs(event.movementX) + Math.abs(event.movementY);
    if (this.#dragged <= CLICK_PIXELS) return;
    this.#camera.pan(event.movementX, event.movementY);
    this.#events.panned();
  }

  #lift(event: PointerEvent): void {
    const click = this.#dragged >= 0 && this.#dragged <= CLICK_PIXELS;
    this.#drop();
    if (click) this.#events.choose(event.clientX, event.clientY);
  }

  #drop(): void {
    this.#dragged = -1;
    this.#canvas.classList.remove("dragging");
  }

  #wheel(event: WheelEvent): void {
    event.preventDefault();
    const units = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? event.deltaY : event.deltaY * 33;
    this.#camera.zoomBy(Math.exp(-units * ZOOM_PER_WHEEL_UNIT), event.clientX, event.clientY);
  }

  #key(event: KeyboardEvent, down: boolean): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.code in STEPS) {
      event.preventDefault();
      if (down) this.#held.add(event.code);
      else this.#held.delete(event.code);
      this.#steer();
    } else if (event.code === "Space" && !isControl(event.target)) {
      event.preventDefault();
      if (down) this.#events.strike();
    } else if (down && !event.repeat && event.code === "KeyF") {
      this.#events.follow();
    } else if (down && !event.repeat && event.code === "KeyO") {
      this.#events.overlay();
    } else if (down && event.code === "Escape") {
      this.#events.release();
    }
  }

  #steer(): void {
    let [dx, dy] = [0, 0];
    for (const code of this.#held) {
      dx += STEPS[code]![0];
      dy += STEPS[code]![1];
    }
    [dx, dy] = [Math.sign(dx), Math.sign(dy)];
    if (dx === this.dx && dy === this.dy) return;
    this.dx = dx;
    this.dy = dy;
    this.#events.steer(dx, dy);
  }
}

/** What a space presses, or folds. */
function isControl(target: EventTarget | null): boolean {
  return target instanceof HTMLInputElement || (target instanceof HTMLElement && target.tagName === "SUMMARY");
}
