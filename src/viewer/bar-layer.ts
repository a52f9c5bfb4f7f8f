/**
 * Bars over the heads of the hurt, in one draw call: who is hurt is found out at each snapshot, where they are at each frame. Costs about
 * 2 ns for each entity in view and snapshot, 10 ns for each bar and frame. Far away nobody could tell them apart: none are drawn.
 */
import { Geometry, Mesh, Shader } from "pixi.js";
import type { Tracks } from "../client.js";
import { DEAD, type Look, RADIUS } from "./look.js";
import { CORNERS, INDICES, indexBuffer, vertexBuffer } from "./quads.js";

/** Bars at a time: more would hide what they are about. */
const BARS_MAX = 2048;
/** Pixels per unit from which on bars are drawn. */
const ZOOM_MIN = 0.5;
/** Units: half a bar's width, its height, and how far its middle is above the entity's. */
const HALF_WIDTH = RADIUS;
const HEIGHT = 3;
const ABOVE = RADIUS + 6;

const VERTEX = `#version 300 es
in vec2 aPosition;
in vec4 aShare;
out vec2 vLocal;
out float vShare;
uniform mat3 uProjectionMatrix;
uniform mat3 uWorldTransformMatrix;
uniform mat3 uTransformMatrix;
void main() {
  int corner = gl_VertexID & 3;
  vLocal = vec2(corner == 1 || corner == 2 ? 1.0 : 0.0, corner > 1 ? 1.0 : 0.0);
  vShare = aShare.r;
  vec2 offset = vec2((vLocal.x * 2.0 - 1.0) * ${HALF_WIDTH.toFixed(1)}, (vLocal.y - 0.5) * ${HEIGHT.toFixed(1)} - ${ABOVE.toFixed(1)});
  mat3 matrix = uProjectionMatrix * uWorldTransformMatrix * uTransformMatrix;
  gl_Position = vec4((matrix * vec3(aPosition + offset, 1.0)).xy, 0.0, 1.0);
}`;

const FRAGMENT = `#version 300 es
in vec2 vLocal;
in float vShare;
out vec4 finalColor;
void main() {
  vec3 full = mix(vec3(0.93, 0.36, 0.3), vec3(0.44, 0.76, 0.5), smoothstep(0.2, 0.7, vShare));
  finalColor = vLocal.x <= vShare ? vec4(full, 1.0) : vec4(vec3(0.04) * 0.75, 0.75);
}`;

export class BarLayer {
  readonly mesh: Mesh<Geometry, Shader>;
  readonly #geometry: Geometry;
  /** Indices into the tracks of who is hurt. */
  readonly #hurt = new Uint32Array(BARS_MAX);
  /** Shares of hp, as the lowest byte. */
  readonly #shares = new Uint32Array(CORNERS * BARS_MAX);
  readonly #positions = new Float32Array(2 * CORNERS * BARS_MAX);
  readonly #shareBuffer = vertexBuffer(this.#shares);
  readonly #positionBuffer = vertexBuffer(this.#positions);
  /** Bars drawn. */
  count = 0;
  #tick = -1;
  #look: Look | null = null;

  constructor() {
    this.#geometry = new Geometry({
      attributes: {
        aPosition: { buffer: this.#positionBuffer, format: "float32x2" },
        aShare: { buffer: this.#shareBuffer, format: "unorm8x4" },
      },
      indexBuffer: indexBuffer(BARS_MAX),
    });
    this.mesh = new Mesh({
      geometry: this.#geometry,
      shader: Shader.from({ gl: { vertex: VERTEX, fragment: FRAGMENT } }),
    });
    this.mesh.visible = false;
  }

  /** Shows the tracks as interpolated; `tick` is that of their last snapshot. zoom: pixels per unit. */
  update(tracks: Tracks, tick: number, look: Look, zoom: number): void {
    if (zoom < ZOOM_MIN) {
      this.mesh.visible = false;
      this.count = 0;
      this.#tick = -1;
      return;
    }
    if (tick !== this.#tick || look !== this.#look) this.#find(tracks, look);
    this.#tick = tick;
    this.#look = look;
    this.mesh.visible = this.count > 0;
    if (this.count === 0) return;
    const { x, y } = tracks;
    for (let n = 0, at = 0; n < this.count; n++, at += 8) {
      const index = this.#hurt[n]!;
      const out = this.#positions;
      out[at] = out[at + 2] = out[at + 4] = out[at + 6] = x[index]!;
      out[at + 1] = out[at + 3] = out[at + 5] = out[at + 7] = y[index]!;
    }
    this.#positionBuffer.update(8 * CORNERS * this.count);
  }

  #find({ count, hps, kinds, levels, states }: Tracks, look: Look): void {
    let n = 0;
    for (let i = 0; i < count && n < BARS_MAX; i++) {
      const most = look.hpMax(kinds[i]!, levels[i]!);
      const hp = hps[i]!;
      if (hp >= most || hp <= 0 || states[i] === DEAD) continue;
      this.#hurt[n] = i;
      this.#shares.fill(Math.max(1, Math.round((255 * hp) / most)), CORNERS * n, CORNERS * (n + 1));
      n++;
    }
    this.count = n;
    this.#geometry.indexCount = INDICES * n;
    this.#shareBuffer.update(4 * CORNERS * n);
  }
}
