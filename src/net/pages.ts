/**
 * The viewer's files, read into memory when the server starts: serving one is a lookup in a table of exact paths, and a path
 * that is not in the table does not exist, however it is spelled. A couple of megabytes at most.
 */
import { readdirSync, readFileSync } from "node:fs";

export interface Page {
  readonly type: string;
  readonly body: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  svg: "image/svg+xml",
  png: "image/png",
  wasm: "application/wasm",
};

/** The files of a flat folder by URL path, index.html as / too. Empty when there is no such folder. */
export function readPages(folder: URL): ReadonlyMap<string, Page> {
  const pages = new Map<string, Page>();
  for (const name of namesIn(folder)) {
    const type = TYPES[name.slice(name.lastIndexOf(".") + 1)];
    if (type !== undefined) pages.set(`/${name}`, { type, body: readFileSync(new URL(name, folder)) });
  }
  const index = pages.get("/index.html");
  if (index !== undefined) pages.set("/", index);
  return pages;
}

function namesIn(folder: URL): string[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => entry.name);
  } catch {
    return [];
  }
}
