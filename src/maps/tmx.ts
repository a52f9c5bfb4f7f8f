/**
 * Brings a map of the Tiled editor from XML (.tmx) into the form of its JSON files, as far as tiled.ts reads them. What an
 * attribute says stays text where a number was due; tiled.ts refuses it then.
 */
import { XMLParser, XMLValidator } from "fast-xml-parser";
import { GyreError } from "../errors.js";
import { mapBad, mapUnsupported, show } from "./refuse.js";
import type { TiledLayer, TiledMap, TiledTileset } from "./tiled.js";

/** Where the parser puts an element's attributes and its text. */
const ATTRIBUTES = "@";
const TEXT = "#text";
/** The attribute that stands for an element's text which was taken out; an index. */
const BODY = "gyre-body";
const LISTS = ["tileset", "layer", "objectgroup", "group"];

/** Characters outside of the layers' data. A parser may turn four of them into an element of 300 bytes. */
const OUTSIDE_MAX = 4 * 1024 * 1024;

interface Element {
  [ATTRIBUTES]?: Record<string, string | undefined>;
  [TEXT]?: string;
  tileset?: Element[];
  layer?: Element[];
  objectgroup?: Element[];
  group?: Element[];
  data?: Element | string;
}

/** Throws MAP_BAD when the text is not XML or not a map, MAP_TOO_LARGE, MAP_UNSUPPORTED when it declares entities. */
export function readTmx(text: string): TiledMap {
  const { outside, bodies } = takeBodies(text);
  if (outside.length > OUTSIDE_MAX) {
    const message = `${outside.length} characters outside of the layers' data: at most ${OUTSIDE_MAX}`;
    throw new GyreError("MAP_TOO_LARGE", message);
  }
  // Tiled writes none, and a few nested ones hold gigabytes. Without declarations there is nothing to expand.
  if (/<!ENTITY/i.test(outside)) throw mapUnsupported("the file declares XML entities");
  const verdict = XMLValidator.validate(outside);
  if (verdict !== true) throw mapBad(`line ${verdict.err.line}, column ${verdict.err.col}: ${verdict.err.msg}`);
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributesGroupName: ATTRIBUTES,
    attributeNamePrefix: "",
    textNodeName: TEXT,
    parseTagValue: false,
    ignoreDeclaration: true,
    ignorePiTags: true,
    processEntities: false,
    isArray: (name) => LISTS.includes(name),
  });
  const document: Record<string, Element | string> = parser.parse(outside);
  const map = document["map"];
  if (map === undefined) throw mapBad(`the root element is ${show(Object.keys(document)[0])}, not "map"`);
  return typeof map === "string" ? {} : mapOf(map, bodies);
}

/**
 * Takes the text of each <data> out and leaves its line ends, so that places in messages stay right: the parser collects
 * text character by character, at some 35 bytes each.
 */
function takeBodies(text: string): { outside: string; bodies: string[] } {
  const bodies: string[] = [];
  let outside = "";
  let from = 0;
  for (const { 0: tag, index } of text.matchAll(/<data\b[^<>]*>/g)) {
    const start = index + tag.length;
    const end = text.indexOf("<", start);
    if (end < 0 || !text.startsWith("</data>", end)) continue;
    const body = text.slice(start, end);
    outside += `${text.slice(from, start - 1)} ${BODY}="${bodies.length}">${body.replace(/[^\n]+/g, "")}`;
    bodies.push(body);
    from = end;
  }
  return { outside: outside + text.slice(from), bodies };
}

function mapOf(map: Element, bodies: readonly string[]): TiledMap {
  const { width, height, tilewidth, tileheight, orientation, infinite } = attributesOf(map);
  return {
    width: number(width),
    height: number(height),
    tilewidth: number(tilewidth),
    tileheight: number(tileheight),
    ...(orientation === undefined ? {} : { orientation }),
    infinite: (infinite ?? "0") !== "0",
    tilesets: (map.tileset ?? []).map(tilesetOf),
    layers: layersOf(map, bodies),
  };
}

function tilesetOf(tileset: Element): TiledTileset {
  const { firstgid, name, source, tilecount } = attributesOf(tileset);
  return { firstgid: number(firstgid), name, source, tilecount: number(tilecount) };
}

/** Groups nest no deeper than the parser lets elements nest, 100. */
function layersOf(parent: Element, bodies: readonly string[]): TiledLayer[] {
  return [
    ...(parent.layer ?? []).map((layer) => layerOf(layer, bodies)),
    ...(parent.objectgroup ?? []).map((group) => ({ type: "objectgroup", name: attributesOf(group)["name"] })),
    ...(parent.group ?? []).map((group) => ({ type: "group", layers: layersOf(group, bodies) })),
  ];
}

function layerOf(layer: Element, bodies: readonly string[]): TiledLayer {
  const { name, width, height, x, y, offsetx, offsety } = attributesOf(layer);
  const { data } = layer;
  // Without an encoding each tile is an element of its own.
  const { encoding = "xml", compression, [BODY]: body } = attributesOf(data);
  return {
    type: "tilelayer",
    name,
    width: number(width),
    height: number(height),
    x: number(x),
    y: number(y),
    offsetx: number(offsetx),
    offsety: number(offsety),
    data: body !== undefined ? bodies[Number(body)] : typeof data === "object" ? (data[TEXT] ?? "") : data,
    encoding,
    compression,
  };
}

function attributesOf(element: Element | string | undefined): Record<string, string | undefined> {
  return (typeof element === "object" ? element[ATTRIBUTES] : undefined) ?? {};
}

function number(text: string | undefined): number | string | undefined {
  return text !== undefined && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
