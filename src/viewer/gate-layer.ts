/** The zone's gates: a pane of light over each rectangle. Drawn once per zone. */
import { Graphics } from "pixi.js";
import type { GateInfo } from "../client.js";
import { GATE } from "./palette.js";

export class GateLayer {
  readonly graphics = new Graphics();

  show(gates: readonly GateInfo[]): void {
    this.graphics.clear();
    for (const { x0, y0, x1, y1 } of gates) {
      this.graphics
        .rect(x0, y0, x1 - x0, y1 - y0)
        .fill({ color: GATE, alpha: 0.35 })
        .stroke({ width: 6, color: GATE, alpha: 0.8 });
    }
  }
}
