/**
 * Messages put together of items that are encoded already: in text, with brackets and commas around them; in MessagePack, with the heads of
 * arrays before them. Nothing is encoded twice, whoever gets it.
 */
import { BROADCAST, DIFF, FIRST, NO_CHANGE, TARGETED } from "./formats.js";
import type { ByteSink } from "./sink.js";

/** Items of a list as they are in a message: behind each other, in text with commas between them. */
export interface Items {
  readonly count: number;
  readonly bytes: Uint8Array;
}

export const NO_ITEMS: Items = { count: 0, bytes: new Uint8Array(0) };

const COMMA = 0x2c;
const OPEN = 0x5b;
const SHUT = 0x5d;

/** `[107, update, events]`. */
export function writeBroadcast(sink: ByteSink, isText: boolean, patches: Items, events: Items): void {
  open(sink, isText, 3, BROADCAST);
  separate(sink, isText);
  writeDiff(sink, isText, patches);
  close(sink, isText, events);
}

/** What a player gets: an update alone, or with events. Nothing when there is neither. */
export function writeOwn(sink: ByteSink, isText: boolean, patches: Items, events: Items): void {
  if (events.count > 0) {
    open(sink, isText, 3, TARGETED);
    separate(sink, isText);
    writeDiff(sink, isText, patches);
    close(sink, isText, events);
  } else if (patches.count > 0) {
    writeDiff(sink, isText, patches);
  }
}

/** All that a newcomer needs: one update of both scopes. own: NO_ITEMS for who has no scope of its own. events: lists of them, in order. */
export function writeFirst(
  sink: ByteSink,
  isText: boolean,
  own: Items,
  broadcast: Items,
  events: readonly Items[],
): void {
  const told = events.reduce((sum, { count }) => sum + count, 0);
  if (told > 0) {
    open(sink, isText, 3, TARGETED);
    separate(sink, isText);
  }
  open(sink, isText, 2 + own.count + broadcast.count, FIRST);
  items(sink, isText, own);
  separate(sink, isText);
  number(sink, isText, BROADCAST);
  items(sink, isText, broadcast);
  end(sink, isText);
  if (told === 0) return;
  separate(sink, isText);
  list(sink, isText, told, events);
  end(sink, isText);
}

function writeDiff(sink: ByteSink, isText: boolean, patches: Items): void {
  open(sink, isText, 1 + patches.count, patches.count === 0 ? NO_CHANGE : DIFF);
  items(sink, isText, patches);
  end(sink, isText);
}

/** The last of a message: its events. */
function close(sink: ByteSink, isText: boolean, events: Items): void {
  separate(sink, isText);
  list(sink, isText, events.count, [events]);
  end(sink, isText);
}

function list(sink: ByteSink, isText: boolean, count: number, parts: readonly Items[]): void {
  if (!isText) arrayHead(sink, count);
  else sink.u8(OPEN);
  let isFirst = true;
  for (const part of parts) {
    if (part.count === 0) continue;
    if (!isFirst) separate(sink, isText);
    isFirst = false;
    sink.append(part.bytes);
  }
  end(sink, isText);
}

/** An array of so many elements, the first of which is a small number. */
function open(sink: ByteSink, isText: boolean, count: number, first: number): void {
  if (!isText) arrayHead(sink, count);
  else sink.u8(OPEN);
  number(sink, isText, first);
}

function items(sink: ByteSink, isText: boolean, { count, bytes }: Items): void {
  if (count === 0) return;
  separate(sink, isText);
  sink.append(bytes);
}

function separate(sink: ByteSink, isText: boolean): void {
  if (isText) sink.u8(COMMA);
}

function end(sink: ByteSink, isText: boolean): void {
  if (isText) sink.u8(SHUT);
}

/** 0 to 127. */
function number(sink: ByteSink, isText: boolean, value: number): void {
  if (isText) sink.text(String(value));
  else sink.u8(value);
}

function arrayHead(sink: ByteSink, count: number): void {
  if (count < 16) {
    sink.u8(0x90 | count);
  } else if (count < 0x1_0000) {
    sink.u8(0xdc);
    sink.u8(count >>> 8);
    sink.u8(count & 255);
  } else {
    sink.u8(0xdd);
    for (let shift = 24; shift >= 0; shift -= 8) sink.u8((count >>> shift) & 255);
  }
}
