/**
 * Turns the text of a map file into tiles. The format is told by the content; the name is for messages:
 *
 *   { ...       JSON: Tiled .tmj, or a BrowserQuest world
 *   < ...       XML: Tiled .tmx
 *   otherwise   MovingAI .map
 *
 * All parsers are loaded when a file first needs them, so that whoever only wants the kernel does not pay for them. A map of
 * 512 x 512 tiles takes 2 to 5 ms, the first some 25; the limits below bound what a hostile file can make a parser build.
 */
import { GyreError } from "../errors.js";
import type { Content } from "./content.js";
import { asGyreError, mapBad, obey, show } from "./refuse.js";
import type { MapData } from "./types.js";

/** Characters: seven digits and a comma for each tile of the largest map. */
const TEXT_MAX = 128 * 1024 * 1024;
/** Brackets and quotation marks in JSON: each is at most one object, list or string of some tens of bytes. */
const JSON_MARKS_MAX = 4 * 1024 * 1024;
/** Units per tile side of .map files, which do not say. */
const MOVINGAI_TILE_SIZE = 32;
/** Characters of a name that messages repeat. */
const NAME_MAX = 100;

/**
 * The tiles of a map file, given its text.
 *
 * Reads MovingAI `.map`; Tiled `.tmj` and `.tmx` of fixed size, layers as CSV, list or base64, plain or packed with zlib or
 * gzip; BrowserQuest worlds. Throws BAD_ARGUMENT, MAP_BAD, MAP_TOO_LARGE or MAP_UNSUPPORTED. O(characters).
 */
export async function loadMap(text: string, name = "map"): Promise<MapData> {
  if (typeof text !== "string") throw new GyreError("BAD_ARGUMENT", `the text of a map is ${typeof text}, not string`);
  if (typeof name !== "string") throw new GyreError("BAD_ARGUMENT", `the name of a map is ${typeof name}, not string`);
  const label = name.slice(-NAME_MAX) || "map";
  if (text.length > TEXT_MAX) {
    throw new GyreError("MAP_TOO_LARGE", `${label}: the file has ${text.length} characters, at most ${TEXT_MAX}`);
  }
  const { openContent } = await import("./content.js");
  const content = openContent();
  try {
    return await readMap(text.startsWith("\ufeff") ? text.slice(1) : text, label, content);
  } catch (error) {
    throw asGyreError(error, label);
  }
}

async function readMap(text: string, label: string, content: Content): Promise<MapData> {
  const start = text.search(/\S/);
  const first = text[start];
  if (first === undefined) throw mapBad("the file is empty");
  if (first === "{" || first === "[" || /\.(tmj|json)$/i.test(label)) return readJson(text, content);
  if (first === "<") return readXml(text, content);
  if (/\.(tmx|xml)$/i.test(label)) throw mapBad(`the file is not XML: it begins with ${show(text.slice(start))}`);
  obey(content.readMovingAi(text));
  return { width: content.width(), height: content.height(), tileSize: MOVINGAI_TILE_SIZE, tiles: content.tiles() };
}

async function readJson(text: string, content: Content): Promise<MapData> {
  checkMarks(text);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw mapBad(`the file is not JSON: ${error instanceof Error ? error.message : error}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw mapBad(`the JSON is ${show(value)}, not a map`);
  }
  if ("layers" in value) {
    const { readTiled } = await import("./tiled.js");
    return readTiled(value, content);
  }
  const { isBrowserQuest, readBrowserQuest } = await import("./browserquest.js");
  if (isBrowserQuest(value)) return readBrowserQuest(value, content);
  throw mapBad("the JSON is not a map: it has neither layers (Tiled) nor a list of collisions (BrowserQuest)");
}

async function readXml(text: string, content: Content): Promise<MapData> {
  const [{ readTmx }, { readTiled }] = await Promise.all([import("./tmx.js"), import("./tiled.js")]);
  return readTiled(readTmx(text), content);
}

/** Before the parser builds something for each of them. */
function checkMarks(text: string): void {
  for (const mark of '[{"') {
    let count = 0;
    for (let at = text.indexOf(mark); at >= 0; at = text.indexOf(mark, at + 1)) count++;
    if (count > JSON_MARKS_MAX) {
      throw new GyreError("MAP_TOO_LARGE", `${count} times ${show(mark)} in one file: at most ${JSON_MARKS_MAX}`);
    }
  }
}
