/** Paths as the host asks for them: flow fields, and requests that are answered over the next steps. */
import { GyreError } from "../errors.js";
import { bad, coordinate, finite, integer, length } from "./check.js";
import type { Constants, KernelInstance } from "./instance.js";
import type { FieldOptions, PathAnswer, PathOptions, PathRequests } from "./types.js";

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

/** See {@link PathRequests}; assembly/requests.ts serves them. */
export class Requests implements PathRequests {
  highWater = 0;
  refused = 0;
  readonly #instance: KernelInstance;
  readonly #constants: Constants;
  readonly #handWay: (out: Float32Array) => number;

  /** `handWay` writes the way found last, and returns its points. */
  constructor(instance: KernelInstance, constants: Constants, handWay: (out: Float32Array) => number) {
    this.#instance = instance;
    this.#constants = constants;
    this.#handWay = handWay;
  }

  get count(): number {
    const { BASE, PATHS_REQUESTS, REQUESTS_WAITING, REQUESTS_ANSWERS } = this.#constants;
    const table = this.#instance.u32(BASE + PATHS_REQUESTS);
    return this.#instance.u32(table + REQUESTS_WAITING) + this.#instance.u32(table + REQUESTS_ANSWERS);
  }

  get capacity(): number {
    return this.#instance.u32(this.#constants.BASE + this.#constants.ZONE_PATH_REQUESTS);
  }

  request(requester: number, x0: number, y0: number, x1: number, y1: number, options?: PathOptions): number {
    integer("requester", requester, 0, 2 ** 32 - 1);
    finite("x0", x0);
    finite("y0", y0);
    finite("x1", x1);
    finite("y1", y1);
    const halfSize = walkerOf(this.#instance, this.#constants, options);
    const { BASE } = this.#constants;
    const ticket = this.#instance.functions.pathRequest(BASE, requester, x0, y0, x1, y1, halfSize) >>> 0;
    if (ticket === 0) this.refused++;
    else this.highWater = Math.max(this.highWater, this.count);
    return ticket;
  }

  next(answer: PathAnswer, out: Float32Array): boolean {
    if (!(out instanceof Float32Array)) throw bad("out", out, "a Float32Array");
    const { BASE, PATHS_ANSWER_COST, PATHS_ANSWER_REQUESTER, PATHS_ANSWER_TICKET } = this.#constants;
    if (this.#instance.functions.pathAnswer(BASE) === 0) return false;
    answer.ticket = this.#instance.u32(BASE + PATHS_ANSWER_TICKET);
    answer.requester = this.#instance.u32(BASE + PATHS_ANSWER_REQUESTER);
    answer.cost = this.#instance.f64(BASE + PATHS_ANSWER_COST);
    answer.points = answer.cost < 0 ? 0 : this.#handWay(out);
    return true;
  }
}
