/**
 * Loads a game's module for `gyre serve` and `gyre replay`. The module runs in this process, as any import does. Whatever is
 * wrong with it comes out as one GAME_BAD line that begins with the place: FILE:LINE:COLUMN as far as the engine tells.
 */
import { existsSync } from "node:fs";
import * as nodeModule from "node:module";
import { extname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { GyreError } from "../errors.js";
import { type Game, isGame } from "../game/define.js";
import { locate } from "../game/locate.js";

const JAVASCRIPT = [".js", ".mjs"];
const TYPESCRIPT = [".ts", ".mts"];

/** file: relative to the current folder. Throws FILE_UNREADABLE or GAME_BAD. */
export async function loadGame(file: string): Promise<Game> {
  const path = resolve(file);
  check(file, path);
  shareGyre(path);
  let module: { default?: unknown };
  try {
    module = await import(pathToFileURL(path).href);
  } catch (error) {
    throw new GyreError("GAME_BAD", `${(await placeOf(error, path)) ?? file}: ${reasonOf(error)}`);
  }
  if (!isGame(module.default)) {
    const found = "default" in module ? "is not one that defineGame made" : "is missing";
    throw new GyreError("GAME_BAD", `${file}: its default export ${found}; write export default defineGame({ ... })`);
  }
  return module.default;
}

function check(file: string, path: string): void {
  if (!existsSync(path)) throw new GyreError("FILE_UNREADABLE", `cannot read ${file}: ENOENT`);
  const extension = extname(path);
  if (JAVASCRIPT.includes(extension)) return;
  if (!TYPESCRIPT.includes(extension)) {
    throw new GyreError(
      "GAME_BAD",
      `${file} is no game's module: those end in ${[...JAVASCRIPT, ...TYPESCRIPT].join(", ")}`,
    );
  }
  // Typed by newer versions of Node only.
  if (!(process.features as { typescript?: string | false }).typescript) {
    throw new GyreError(
      "GAME_BAD",
      `${file}: Node ${process.versions.node} does not run TypeScript; take Node 22.18 or newer, or compile it to .js`,
    );
  }
}

/**
 * From now on `gyre` in a game is this very gyre, wherever the game's file lies: beside an install of its own, of another version
 * or of none. Otherwise its errors and games would be of other classes than ours. Before Node 22.15 this is done only where the game would find
 * another one, or none: a thread for hooks takes as long to start as the thread that simulates.
 */
function shareGyre(path: string): void {
  const { registerHooks, register } = nodeModule as typeof nodeModule & { registerHooks?: (hooks: object) => void };
  const parentURL = import.meta.url;
  if (shared || (registerHooks === undefined && gyreOf(path) === gyreOf(parentURL))) return;
  shared = true;
  if (registerHooks === undefined) {
    register(`data:text/javascript,${encodeURIComponent(HOOKS)}`, { data: parentURL });
    return;
  }
  registerHooks({
    resolve: (specifier: string, context: object, next: (specifier: string, context: object) => unknown) =>
      next(specifier, isOurs(specifier) ? { ...context, parentURL } : context),
  });
}

let shared = false;

/** The file that `gyre` is for a module there; undefined for none. */
function gyreOf(module: string): string | undefined {
  try {
    return nodeModule.createRequire(module).resolve("gyre");
  } catch {
    return undefined;
  }
}

function isOurs(specifier: string): boolean {
  return specifier === "gyre" || specifier.startsWith("gyre/");
}

/** The same for Node before 22.15, whose hooks live in a thread of their own. */
const HOOKS = `
let parentURL;
export const initialize = (url) => { parentURL = url; };
${isOurs.toString()}
export const resolve = (specifier, context, next) => next(specifier, ${isOurs.name}(specifier) ? { ...context, parentURL } : context);
`;

/** One line. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return `it threw ${String(error)}`;
  const { name, message } = error;
  return `${name === "GyreError" ? "" : `${name}: `}${message.split("\n")[0]}`;
}

/**
 * Where the error is, from the current folder: the topmost place in its trace that is not ours. Code that does not parse leaves no trace
 * but for the place at its head, or none at all; then node --check says it.
 */
async function placeOf(error: unknown, path: string): Promise<string | null> {
  const traced = locate(error, join(process.cwd(), "GAME"), NOBODY);
  if (traced !== "") return traced;
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  const head = headOf(stack);
  if (head !== null || !(error instanceof SyntaxError)) return head;
  // Not loaded by each thread that loads a game.
  const { spawnSync } = await import("node:child_process");
  return headOf(spawnSync(process.execPath, ["--check", path], { encoding: "utf8" }).stderr);
}

/** FILE:LINE as a text begins with it, the file from the current folder. */
function headOf(text: string): string | null {
  const [, url, line] = /^(file:\S+|\/[^\n]*?):(\d+)\n/.exec(text) ?? [];
  if (url === undefined) return null;
  const file = url.startsWith("file:") ? fileURLToPath(url) : url;
  const near = relative(process.cwd(), file);
  return `${near.startsWith("..") ? file : near}:${line}`;
}

/** No function's name. */
const NOBODY = "\0";
