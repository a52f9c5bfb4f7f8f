/**
 * Many quads in one draw call: what the layers of entities and of bars have in common. Every value is written four times, once for each
 * corner. Instancing would upload a quarter of that, but where the graphics processor is emulated every instance is a draw call of
 * its own: 30 us each.
 */
import { Buffer, BufferUsage } from "pixi.js";

/** Vertices and indices of a quad. */
export const CORNERS = 4;
export const INDICES = 6;

export function vertexBuffer(data: Float32Array | Int8Array | Uint32Array): Buffer {
  return new Buffer({ data, usage: BufferUsage.VERTEX | BufferUsage.COPY_DST });
}

export function indexBuffer(count: number): Buffer {
  return new Buffer({ data: quadIndices(count), usage: BufferUsage.INDEX | BufferUsage.COPY_DST });
}

export function quadIndices(count: number): Uint32Array {
  const indices = new Uint32Array(INDICES * count);
  for (let i = 0, at = 0, corner = 0; i < count; i++, at += INDICES, corner += CORNERS) {
    indices[at] = indices[at + 3] = corner;
    indices[at + 1] = corner + 1;
    indices[at + 2] = indices[at + 4] = corner + 2;
    indices[at + 5] = corner + 3;
  }
  return indices;
}
