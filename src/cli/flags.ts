/**
 * Flags of the commands: one table per command drives the parser, the check of each value and the help text, so that the
 * three cannot disagree.
 */
import { parseArgs } from "node:util";
import { GyreError } from "../errors.js";

interface FlagBase {
  /** What stands in the help text for the value, e.g. N. */
  readonly value: string;
  readonly help: string;
}

/** A whole number from min to max. */
export interface IntegerFlag extends FlagBase {
  readonly type: "integer";
  readonly min: number;
  readonly max: number;
  readonly default?: number;
  /** The variable of the environment that says it where no flag does. */
  readonly env?: string;
}

/** Any number from min to max. */
export interface NumberFlag extends FlagBase {
  readonly type: "number";
  readonly min: number;
  readonly max: number;
  readonly default?: number;
}

export interface TextFlag extends FlagBase {
  readonly type: "text";
  readonly default?: string;
}

/** One of two words. */
export interface ChoiceFlag {
  readonly type: "choice";
  readonly words: readonly [string, string];
  readonly help: string;
  readonly default: string;
}

export interface SwitchFlag {
  readonly type: "switch";
  readonly help: string;
}

export type Flag = IntegerFlag | NumberFlag | TextFlag | ChoiceFlag | SwitchFlag;
export type Flags = Readonly<Record<string, Flag>>;

type ValueOf<F extends Flag> = F extends IntegerFlag | NumberFlag
  ? number
  : F extends TextFlag
    ? string
    : F extends ChoiceFlag
      ? F["words"][number]
      : boolean;
type HasDefault = { readonly default: unknown };
/** A flag without a default may be absent. */
export type Values<T extends Flags> = {
  -readonly [K in keyof T]: T[K] extends HasDefault | SwitchFlag ? ValueOf<T[K]> : ValueOf<T[K]> | undefined;
};

export interface Parsed<T extends Flags> {
  readonly values: Values<T>;
  readonly positionals: readonly string[];
}

/** Reads argv by the table. Throws BAD_FLAG for a flag that is not in it, a bad value, or too many positionals. */
export function parseFlags<T extends Flags>(argv: readonly string[], flags: T, positionalsMax = 0): Parsed<T> {
  const { values, positionals } = tokenize(argv, flags);
  if (positionals.length > positionalsMax) {
    throw new GyreError("BAD_FLAG", `unexpected argument ${JSON.stringify(positionals[positionalsMax])}`);
  }
  const checked: Record<string, unknown> = {};
  for (const [name, flag] of Object.entries(flags)) {
    const given = values[name];
    if (flag.type === "switch") checked[name] = given === true;
    else if (typeof given !== "string") checked[name] = fromEnvironment(flag) ?? flag.default;
    else if (flag.type === "text") checked[name] = text(name, given);
    else checked[name] = flag.type === "choice" ? word(name, given, flag) : number(`--${name}`, given, flag);
  }
  return { values: checked as Values<T>, positionals };
}

function tokenize(argv: readonly string[], flags: Flags) {
  const options: Record<string, { type: "boolean" | "string" }> = {};
  for (const [name, { type }] of Object.entries(flags))
    options[name] = { type: type === "switch" ? "boolean" : "string" };
  try {
    return parseArgs({ args: withSigns(argv, flags), options, allowPositionals: true, strict: true });
  } catch (error) {
    // Its messages add advice after the first sentence; one line is all that we print.
    const message = error instanceof Error ? error.message : String(error);
    const dashed = /^Option '([^']+)' argument is ambiguous/.exec(message)?.[1];
    if (dashed !== undefined) throw new GyreError("BAD_FLAG", `${dashed} has no value, or one that begins with a dash`);
    const sentence = message.split(/\. |\n/)[0] ?? message;
    throw new GyreError("BAD_FLAG", sentence.charAt(0).toLowerCase() + sentence.slice(1));
  }
}

/** Joins a number that begins with a dash to the flag before it, of which it is the value: parseArgs would have it be a flag. */
function withSigns(argv: readonly string[], flags: Flags): string[] {
  const args: string[] = [];
  const end = argv.indexOf("--");
  for (const [i, arg] of argv.entries()) {
    const flag = argv[i - 1]?.startsWith("--") ? flags[argv[i - 1]!.slice(2)] : undefined;
    const isNumber = flag?.type === "integer" || flag?.type === "number";
    if (isNumber && /^-\d/.test(arg) && (end < 0 || i < end)) args.push(`${args.pop()}=${arg}`);
    else args.push(arg);
  }
  return args;
}

function fromEnvironment(flag: Flag): number | undefined {
  if (flag.type !== "integer" || flag.env === undefined) return undefined;
  const given = process.env[flag.env];
  return given === undefined || given === "" ? undefined : number(flag.env, given, flag);
}

function number(name: string, given: string, { type, min, max }: IntegerFlag | NumberFlag): number {
  const isWhole = type === "integer";
  const value = (isWhole ? /^[+-]?\d+$/ : /^[+-]?\d+(\.\d+)?$/).test(given) ? Number(given) : Number.NaN;
  if (!(value >= min && value <= max)) {
    const what = `a ${isWhole ? "whole " : ""}number from ${min} to ${max}`;
    throw new GyreError("BAD_FLAG", `${name} ${JSON.stringify(given)} is not ${what}`);
  }
  return value;
}

function text(name: string, given: string): string {
  if (given === "") throw new GyreError("BAD_FLAG", `--${name} is empty`);
  return given;
}

function word(name: string, given: string, { words }: ChoiceFlag): string {
  if (words.includes(given)) return given;
  throw new GyreError("BAD_FLAG", `--${name} ${JSON.stringify(given)} is neither ${words.join(" nor ")}`);
}

/** One line per flag, for a help text. */
export function describeFlags(flags: Flags): string {
  const rows = Object.entries(flags).map(
    ([name, flag]) => [nameAndValue(name, flag), flag.help + defaultOf(flag) + environmentOf(flag)] as const,
  );
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}\n`).join("");
}

function nameAndValue(name: string, flag: Flag): string {
  if (flag.type === "switch") return `--${name}`;
  return `--${name} ${flag.type === "choice" ? flag.words.join("|") : flag.value}`;
}

function environmentOf(flag: Flag): string {
  return flag.type === "integer" && flag.env !== undefined ? `, ${flag.env}` : "";
}

function defaultOf(flag: Flag): string {
  return flag.type === "switch" || flag.default === undefined ? "" : ` (${flag.default})`;
}
