/** A game's `sync` field, checked when it is defined. */
import { GyreError } from "../errors.js";
import { plainText } from "../state/plain.js";
import { declarationProblem, type Plain } from "../state/schema.js";

/** Syncs a second, at most: those of the fastest ticks. */
const RATE_MAX = 1000;
const SCOPES = ["broadcast", "perPlayer"] as const;

/** What is wrong with it, as a sentence that begins with its path; null when nothing is. */
export function syncProblem(value: unknown, path: string): string | null {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return `${path} is no object; it has broadcast, perPlayer, rate`;
  const fields = value as Record<string, unknown>;
  const other = Object.keys(fields).find((name) => name !== "rate" && !SCOPES.some((scope) => scope === name));
  if (other !== undefined) return `${path}.${other} is no field of it; there are ${SCOPES.join(", ")}, rate`;
  const { rate } = fields;
  if (rate !== undefined && !(typeof rate === "number" && rate > 0 && rate <= RATE_MAX)) {
    return `${path}.rate is ${String(rate)}; it must be syncs a second, above 0 and at most ${RATE_MAX}`;
  }
  for (const scope of SCOPES) {
    const problem = fields[scope] === undefined ? null : scopeProblem(fields[scope], `${path}.${scope}`);
    if (problem !== null) return problem;
  }
  return null;
}

function scopeProblem(value: unknown, path: string): string | null {
  try {
    plainText(value, path);
  } catch (error) {
    if (error instanceof GyreError) return error.message;
    throw error;
  }
  return declarationProblem(value as Plain, path);
}
