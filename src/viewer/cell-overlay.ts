/**
 * What is told how: the interest cells over the scene, each tinted by the stream that it is told by, fading as its last block grows old,
 * with the number of entities in it; and an outline where the server last said that the visitor's player is. On a canvas of its own, above
 * the scene's: some hundred rectangles and numbers a frame, about 0.3 ms, while it is on, and nothing while it is not.
 */
import type { Connection } from "../client.js";
import { interestGrid } from "../protocol/interest.js";
import type { Camera } from "./camera.js";
import { RADIUS } from "./look.js";
import { STREAMS } from "./palette.js";
import { cssColor } from "./text.js";

/** Opacity of a cell that was told just now, and of one that was told long ago. */
const ALPHA_NEW = 0.3;
const ALPHA_OLD = 0.05;
/** Seconds in which a tint falls half of the way. */
const HALF_SECONDS = 0.7;
/** Pixels of a cell's side below which it has no number. */
const LABEL_PIXELS_MIN = 36;
const GRID_COLOR = "rgb(255 255 255 / 14%)";
const GHOST_COLOR = "rgb(255 255 255 / 90%)";
const TINTS = Object.fromEntries(Object.entries(STREAMS).map(([stream, color]) => [stream, cssColor(color)]));

export class CellOverlay {
  /** Of the last frame: cells that are known, and entities in them. */
  cells = 0;
  members = 0;
  readonly #canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;

  constructor(canvas: HTMLCanvasElement) {
    const context = canvas.getContext("2d");
    if (context === null) throw new Error("the page has no second canvas");
    this.#canvas = canvas;
    this.#context = context;
    canvas.hidden = true;
  }

  get isOn(): boolean {
    return !this.#canvas.hidden;
  }

  set isOn(isOn: boolean) {
    this.#canvas.hidden = !isOn;
    this.cells = this.members = 0;
  }

  /** Draws what the player's connection knows, where it is in the zone that is watched, else what the watching one does. */
  update(camera: Camera, watching: Connection | null, player: Connection | null): void {
    if (!this.isOn) return;
    this.#begin(camera);
    if (watching === null) return;
    const isHere = player !== null && player.zone.name === watching.zone.name;
    this.#drawGrid(camera, watching);
    this.#drawCells(camera, isHere ? player : watching);
    if (isHere) this.#drawGhost(camera, player);
  }

  #begin({ width, height, pixelRatio }: Camera): void {
    const canvas = this.#canvas;
    const [columns, rows] = [Math.round(width * pixelRatio), Math.round(height * pixelRatio)];
    if (canvas.width !== columns || canvas.height !== rows) {
      canvas.width = columns;
      canvas.height = rows;
    }
    this.#context.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
    this.#context.clearRect(0, 0, width, height);
    this.cells = this.members = 0;
  }

  #drawGrid(camera: Camera, { zone }: Connection): void {
    const { sideSteps, stepsPerUnit, columns, rows } = interestGrid(
      zone.width,
      zone.height,
      zone.tileSize,
      zone.stepsPerUnit,
      zone.interestTiles,
    );
    const side = sideSteps / stepsPerUnit;
    const context = this.#context;
    const { visible } = camera;
    const [left, right] = [Math.max(0, screenX(camera, 0)), Math.min(camera.width, screenX(camera, zone.width))];
    const [top, bottom] = [Math.max(0, screenY(camera, 0)), Math.min(camera.height, screenY(camera, zone.height))];
    context.strokeStyle = GRID_COLOR;
    context.lineWidth = 1;
    context.beginPath();
    const columnLast = Math.min(columns, Math.ceil(visible.x1 / side));
    for (let column = Math.max(0, Math.floor(visible.x0 / side)); column <= columnLast; column++) {
      const x = Math.round(screenX(camera, Math.min(column * side, zone.width))) + 0.5;
      context.moveTo(x, top);
      context.lineTo(x, bottom);
    }
    const rowLast = Math.min(rows, Math.ceil(visible.y1 / side));
    for (let row = Math.max(0, Math.floor(visible.y0 / side)); row <= rowLast; row++) {
      const y = Math.round(screenY(camera, Math.min(row * side, zone.height))) + 0.5;
      context.moveTo(left, y);
      context.lineTo(right, y);
    }
    context.stroke();
  }

  #drawCells(camera: Camera, { cells, tick, tickRate, zone }: Connection): void {
    const context = this.#context;
    context.font = "11px ui-sans-serif, system-ui, sans-serif";
    context.textBaseline = "top";
    for (const known of cells) {
      this.cells++;
      this.members += known.members;
      const [x0, y0] = [screenX(camera, known.x0), screenY(camera, known.y0)];
      const x1 = screenX(camera, Math.min(known.x1, zone.width));
      const y1 = screenY(camera, Math.min(known.y1, zone.height));
      if (x1 < 0 || y1 < 0 || x0 > camera.width || y0 > camera.height) continue;
      const age = Math.max(0, tick - known.tick) / tickRate;
      context.globalAlpha = ALPHA_OLD + (ALPHA_NEW - ALPHA_OLD) * 2 ** (-age / HALF_SECONDS);
      context.fillStyle = TINTS[known.stream]!;
      context.fillRect(x0 + 1, y0 + 1, x1 - x0 - 1, y1 - y0 - 1);
      if (x1 - x0 < LABEL_PIXELS_MIN) continue;
      context.globalAlpha = 0.9;
      context.fillText(`${known.members}`, x0 + 5, y0 + 5);
    }
    context.globalAlpha = 1;
  }

  #drawGhost(camera: Camera, { own }: Connection): void {
    if (own === null) return;
    const context = this.#context;
    context.strokeStyle = GHOST_COLOR;
    context.lineWidth = 1.5;
    context.setLineDash([4, 3]);
    context.beginPath();
    const radius = Math.max(4, (own.halfSize || RADIUS) * camera.zoom);
    context.arc(screenX(camera, own.x), screenY(camera, own.y), radius, 0, 2 * Math.PI);
    context.stroke();
    context.setLineDash([]);
  }
}

function screenX(camera: Camera, x: number): number {
  return camera.width / 2 + (x - camera.x) * camera.zoom;
}

function screenY(camera: Camera, y: number): number {
  return camera.height / 2 + (y - camera.y) * camera.zoom;
}
