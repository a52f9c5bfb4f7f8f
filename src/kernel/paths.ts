/** Paths as the host asks for them: flow fields, and requests that are answered over the next steps. */
import { GyreError } from "../errors.js";
import { bad, coordinate, length } from "./check.js";
import type { Constants, KernelInstance } from "./instance.js";
import type { FieldOptions, PathOptions } from "./types.js";

/** Half the side of the box that asks. Throws BAD_ARGUMENT when planes for it were not asked for. */
export function walkerOf(instance: KernelInstance, constants: Constants, options: PathOptions | undefined): number {
  if (options?.halfSize === undefined) return 0;
  const halfSize = Math.fround(length("halfSize", options.halfSize));
  const most = instance.f32(constants.BASE + constants.ZONE_WALKER_HALF_SIZE);
  // A closed zone has no size; its functions say so.
  if (halfSize > most && instance.u32(constants.BASE) !== 0)
    throw bad("halfSize", options.halfSize, `at most the zone's walkerHalfSize, ${most}`);
  return halfSize;
}

/** See {@link Zone.openField}. */
export function openField(
  instance: KernelInstance,
  constants: Constants,
  goals: ArrayLike<number>,
  options: FieldOptions | undefined,
): number {
  const { BASE, FIELD_GOALS_MAX, PATHS_POINTS, ZONE_TILE_SIZE } = constants;
  const count = typeof goals === "object" && goals !== null ? goals.length / 2 : 0;
  if (!(Number.isInteger(count) && count >= 1 && count <= FIELD_GOALS_MAX))
    throw bad("goals", goals, `x and y of 1 to ${FIELD_GOALS_MAX} points`);
  for (let i = 0; i < 2 * count; i++) coordinate(`goals[${i}]`, goals[i]);
  const halfSize = walkerOf(instance, constants, options);
  const reach = options?.reach === undefined ? 0 : Math.fround(length("reach", options.reach));
  if (options?.reach !== undefined && reach === 0) throw bad("reach", options.reach, "above 0");
  const points = new Float32Array(instance.buffer, instance.u32(BASE + PATHS_POINTS), 2 * count);
  for (let i = 0; i < points.length; i++) points[i] = coordinate("goals", goals[i]);
  const size = instance.functions.walkerSize(instance.f32(BASE + ZONE_TILE_SIZE), halfSize);
  const field = instance.functions.fieldOpen(BASE, count, size, reach);
  if (field === 0) throw new GyreError("FIELDS_FULL", "all of the zone's flow fields are open");
  return field >>> 0;
}
