/**
 * Where in a game an error comes from: the topmost line of its stack that is not gyre's own. Works on the text that V8 writes; where that
 * says nothing, so does this.
 */

/** The folder that this code was built into, as a URL and as a path. */
const OWN_URL = new URL(".", import.meta.url).href;
const OWN_PATH = pathOf(OWN_URL);

/** FILE:LINE:COLUMN at the end of a line of a stack, in brackets or not. Wasm has frames of another form. */
const FRAME = /(?:^\s*at |\()((?:file:|\/|[A-Za-z]:\\)[^()]*):(\d+):(\d+)\)?$/;

interface Frame {
  readonly file: string;
  readonly line: string;
  readonly column: string;
  /** Its line of the stack. */
  readonly text: string;
}

function* framesOf(error: unknown): Generator<Frame> {
  const stack = stackOf(error);
  if (typeof stack !== "string") return;
  for (const text of stack.split("\n")) {
    const [, file, line, column] = FRAME.exec(text) ?? [];
    if (file !== undefined && line !== undefined && column !== undefined)
      yield { file: pathOf(file), line, column, text };
  }
}

function stackOf(error: unknown): unknown {
  try {
    return error instanceof Error ? error.stack : undefined;
  } catch {
    // A stack that is computed, and throws.
    return undefined;
  }
}

/**
 * FILE:LINE:COLUMN of the first frame that is not gyre's; "" when there is none. home: a file beside which names are short. caller: the
 * name of gyre's function that called the game; "" for none. A game that was bundled with gyre has gyre's folder, and is found by being called: its
 * frame is the one above.
 */
export function locate(error: unknown, home: string, caller: string): string {
  let above: Frame | undefined;
  for (const frame of framesOf(error)) {
    if (!isOwn(frame.file)) return shown(frame, home);
    if (caller !== "" && frame.text.includes(caller)) return above === undefined ? "" : shown(above, home);
    above = frame;
  }
  return "";
}

/** Whether it was made in gyre's own code. */
export function isOwnError(error: unknown): boolean {
  for (const { file } of framesOf(error)) return isOwn(file);
  return false;
}

/** The file of who called gyre's function that made this error; "" when the stack does not say. */
export function callerOf(error: unknown): string {
  for (const { file } of framesOf(error)) if (!isOwn(file)) return file;
  return "";
}

function isOwn(file: string): boolean {
  return OWN_PATH !== "" && file.startsWith(OWN_PATH);
}

function shown({ file, line, column }: Frame, home: string): string {
  return shortened(`${file}:${line}:${column}`, home);
}

/** A place, short when it lies in or below the folder of `home`; of a game without a file, the name alone. */
export function shortened(place: string, home: string): string {
  const folder = (home === "" ? place : home).replace(/[^/]*$/, "");
  return place.startsWith(folder) ? place.slice(folder.length) : place;
}

/** A file URL as a path; with slashes, and without what a loader put behind it to have it read anew. */
function pathOf(file: string): string {
  const path = file.startsWith("file:") ? decodePath(file.replace(/[?#].*$/, "")) : file;
  return path.replaceAll("\\", "/");
}

function decodePath(url: string): string {
  try {
    return decodeURIComponent(url.replace(/^file:\/\/(?:\/(?=[A-Za-z]:))?/, ""));
  } catch {
    return url;
  }
}
