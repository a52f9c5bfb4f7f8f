/**
 * All entities in one draw call: a quad each, whose shape, a lit disc with a face and a shadow, is computed by the fragment
 * shader. A frame writes and uploads 32 bytes of positions an entity, about 10 ns; headings follow at each snapshot, and colours
 * at each in which somebody came, went, or changed its mind.
 */
import { Geometry, Mesh, Shader, UniformGroup } from "pixi.js";
import type { Tracks } from "../client.js";
import { type Look, RADIUS_MAX } from "./look.js";
import { CORNERS, INDICES, indexBuffer, quadIndices, vertexBuffer } from "./quads.js";

/** Pixels of the screen: smaller ones would flicker. */
const RADIUS_PIXELS_MIN = 1.4;
/** 256ths of its kind's colour that every entity has; up to 63 more are its own. The same of each channel: another hue is a state. */
const SHADE_MIN = 192;
/** The quad's half side in radii: room for the shadow. */
const REACH = 1.7;

const VERTEX = `#version 300 es
in vec2 aPosition;
in vec2 aHeading;
in vec4 aColor;
out vec2 vLocal;
out vec2 vHeading;
out vec3 vColor;
out float vPixels;
uniform mat3 uProjectionMatrix;
uniform mat3 uWorldTransformMatrix;
uniform mat3 uTransformMatrix;
uniform float uPixelsPerUnit;
void main() {
  float radius = max(aColor.a * ${RADIUS_MAX.toFixed(1)}, ${RADIUS_PIXELS_MIN} / uPixelsPerUnit);
  vPixels = radius * uPixelsPerUnit;
  int corner = gl_VertexID & 3;
  vLocal = vec2(corner == 1 || corner == 2 ? ${REACH} : -${REACH}, corner > 1 ? ${REACH} : -${REACH});
  vHeading = aHeading;
  vColor = aColor.rgb;
  mat3 matrix = uProjectionMatrix * uWorldTransformMatrix * uTransformMatrix;
  gl_Position = vec4((matrix * vec3(aPosition + vLocal * radius, 1.0)).xy, 0.0, 1.0);
}`;

const FRAGMENT = `#version 300 es
in vec2 vLocal;
in vec2 vHeading;
in vec3 vColor;
in float vPixels;
out vec4 finalColor;
float disc(vec2 at, float radius) {
  float soft = 0.75 / vPixels;
  return 1.0 - smoothstep(radius - soft, radius + soft, length(at));
}
void main() {
  float near = smoothstep(2.5, 6.0, vPixels);
  float body = disc(vLocal, 1.0);
  float shadow = 0.5 * near * (1.0 - smoothstep(0.7, 1.3, length(vLocal - vec2(0.16, 0.3))));
  vec3 color = vColor * (1.0 - near * 0.16 * dot(vLocal, vec2(0.55, 0.83)));
  color = mix(color, vColor * 0.42, near * (1.0 - disc(vLocal, 0.8)));
  vec2 face = vHeading * 0.46;
  color = mix(color, vColor * 0.3, near * disc(vLocal - face, 0.34));
  color = mix(color, mix(vColor, vec3(1.0), 0.75), near * disc(vLocal - face * 1.12, 0.2));
  finalColor = vec4(color * body, body + shadow * (1.0 - body));
}`;

export class EntityLayer {
  readonly mesh: Mesh<Geometry, Shader>;
  readonly #geometry: Geometry;
  readonly #uniforms = new UniformGroup({ uPixelsPerUnit: { value: 1, type: "f32" } });
  /** Each value four times, once for each corner. */
  #positions = new Float32Array(2 * CORNERS);
  #headings = new Int8Array(2 * CORNERS);
  #colors = new Uint32Array(CORNERS);
  readonly #positionBuffer = vertexBuffer(this.#positions);
  readonly #headingBuffer = vertexBuffer(this.#headings);
  readonly #colorBuffer = vertexBuffer(this.#colors);
  readonly #indexBuffer = indexBuffer(1);
  #capacity = 1;
  /** What headings and colours were last written from. */
  #tracks: Tracks | null = null;
  #look: Look | null = null;
  #version = -1;
  #tick = -1;

  constructor() {
    this.#geometry = new Geometry({
      attributes: {
        aPosition: { buffer: this.#positionBuffer, format: "float32x2" },
        aHeading: { buffer: this.#headingBuffer, format: "snorm8x2" },
        aColor: { buffer: this.#colorBuffer, format: "unorm8x4" },
      },
      indexBuffer: this.#indexBuffer,
    });
    const shader = Shader.from({
      gl: { vertex: VERTEX, fragment: FRAGMENT },
      resources: { view: this.#uniforms },
    });
    this.mesh = new Mesh({ geometry: this.#geometry, shader });
    this.mesh.visible = false;
  }

  /** Shows the tracks as interpolated; `tick` is that of their last snapshot. pixelsPerUnit: device pixels. */
  update(tracks: Tracks, tick: number, look: Look, pixelsPerUnit: number): void {
    const { count } = tracks;
    this.mesh.visible = count > 0;
    if (count === 0) return;
    this.#grow(tracks.ids.length);
    this.#geometry.indexCount = INDICES * count;
    this.#uniforms.uniforms.uPixelsPerUnit = pixelsPerUnit;
    writePositions(tracks.x, tracks.y, count, this.#positions);
    this.#positionBuffer.update(8 * CORNERS * count);
    if (tracks === this.#tracks && tick === this.#tick && look === this.#look) return;
    writeHeadings(tracks.headingX, tracks.headingY, count, this.#headings);
    this.#headingBuffer.update(2 * CORNERS * count);
    if (tracks !== this.#tracks || look !== this.#look || tracks.version !== this.#version) {
      writeColors(tracks, look, this.#colors);
      this.#colorBuffer.update(4 * CORNERS * count);
    }
    this.#tracks = tracks;
    this.#tick = tick;
    this.#look = look;
    this.#version = tracks.version;
  }

  #grow(capacity: number): void {
    if (capacity <= this.#capacity) return;
    this.#capacity = capacity;
    this.#positionBuffer.data = this.#positions = new Float32Array(2 * CORNERS * capacity);
    this.#headingBuffer.data = this.#headings = new Int8Array(2 * CORNERS * capacity);
    this.#colorBuffer.data = this.#colors = new Uint32Array(CORNERS * capacity);
    this.#indexBuffer.data = quadIndices(capacity);
    this.#tracks = null;
  }
}

function writePositions(x: Float32Array, y: Float32Array, count: number, out: Float32Array): void {
  for (let i = 0, at = 0; i < count; i++, at += 8) {
    out[at] = out[at + 2] = out[at + 4] = out[at + 6] = x[i]!;
    out[at + 1] = out[at + 3] = out[at + 5] = out[at + 7] = y[i]!;
  }
}

function writeHeadings(x: Float32Array, y: Float32Array, count: number, out: Int8Array): void {
  for (let i = 0, at = 0; i < count; i++, at += 8) {
    out[at] = out[at + 2] = out[at + 4] = out[at + 6] = 127 * x[i]!;
    out[at + 1] = out[at + 3] = out[at + 5] = out[at + 7] = 127 * y[i]!;
  }
}

/** The colour of its kind and state, in a shade of its own. */
function writeColors({ count, ids, kinds, teams, states }: Tracks, look: Look, out: Uint32Array): void {
  const { packed } = look;
  for (let i = 0, at = 0; i < count; i++, at += CORNERS) {
    const color = packed[look.index(kinds[i]!, teams[i]!, states[i]!)]!;
    const shade = SHADE_MIN + (Math.imul(ids[i]!, 0x9e3779b1) >>> 26);
    const red = ((color & 0xff) * shade) >> 8;
    const green = (((color >> 8) & 0xff) * shade) >> 8;
    const blue = (((color >> 16) & 0xff) * shade) >> 8;
    out[at] = out[at + 1] = out[at + 2] = out[at + 3] = red | (green << 8) | (blue << 16) | (color & 0xff000000);
  }
}
