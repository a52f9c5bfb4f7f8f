/**
 * The sockets: one HTTP server that answers a handful of GET requests and upgrades /ws to sessions of the hub. All limits of
 * the transport are here: sizes of messages, numbers of connections, time to say something. What is refused is counted and
 * answered with a status or a close code, and touches nothing else.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";
import { GyreError } from "../errors.js";
import { CLIENT_MESSAGE_BYTES_MAX, SUBPROTOCOL } from "../protocol/control.js";
import type { Venues } from "../sim/venue.js";
import { FORMAT_NAMES, type StateFormat } from "../state/formats.js";
import type { Hub } from "./hub.js";
import { mapBytes } from "./map-bytes.js";
import type { Page } from "./pages.js";
import { FORMATS, type Format, type Session } from "./session.js";
import { CLOSE_TRY_LATER, SocketWire } from "./wire.js";

/** Fragments of one message, and chunks of it held at a time: a message is at most a kilobyte, and browsers send it in one. */
const FRAGMENTS_MAX = 8;
const BUFFERED_CHUNKS_MAX = 64;
/** Connections beside the sessions: pages being loaded, metrics being read, upgrades about to be refused. */
const EXTRA_CONNECTIONS = 256;
/** Sessions opened in one turn of the event loop, each 0.15 ms: a rush of 2,000 does not hold a tick up. The rest waits its turn. */
const UPGRADES_PER_TURN = 8;
/** Milliseconds to send the head of a request. */
const HEADERS_TIMEOUT_MS = 10_000;
/** Milliseconds for the client's half of a closing handshake. */
const CLOSE_TIMEOUT_MS = 3000;

/** What a client closes with that does not come back: 1005 is no code at all. */
const LEAVES: ReadonlySet<number> = new Set([1000, 1001, 1005]);

/** Without compression: snapshots are packed already, and a compressor per session would hold more memory than the session. */
const TRANSPORT = {
  noServer: true,
  clientTracking: false,
  maxPayload: CLIENT_MESSAGE_BYTES_MAX,
  maxFragments: FRAGMENTS_MAX,
  maxBufferedChunks: BUFFERED_CHUNKS_MAX,
  perMessageDeflate: false,
  closeTimeout: CLOSE_TIMEOUT_MS,
  handleProtocols: () => SUBPROTOCOL,
};

interface NetServerOptions {
  readonly hub: Hub;
  readonly zones: Venues;
  readonly pages: ReadonlyMap<string, Page>;
  readonly sessionsMax: number;
  /** What snapshots are for a connection that asks for neither. Default "binary". */
  readonly format?: Format | undefined;
  /** Called after each thing that came of a socket, of which thousands may come in one turn of the event loop. Default: nobody cares. */
  readonly poke?: () => void;
  /** Answers that others give, by exact path. Who throws ZONE_UNKNOWN was asked for what there is not. */
  readonly answers: Readonly<Record<string, (query: URLSearchParams) => Answer | Promise<Answer>>>;
}

interface Upgrade {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  readonly head: Buffer;
}

export interface Answer {
  readonly type: string;
  readonly body: string | Uint8Array;
}

export class NetServer {
  readonly #options: NetServerOptions;
  readonly #http: Server;
  readonly #upgrader: WebSocketServer;
  readonly #poke: () => void;
  /** Upgrades that wait for their turn; no more than there may be connections. */
  #waiting: Upgrade[] = [];
  /** All that are open, upgraded or not. */
  readonly #sockets = new Set<Socket>();
  #closed: Promise<void> | null = null;

  constructor(options: NetServerOptions) {
    this.#options = options;
    this.#poke = options.poke ?? (() => {});
    this.#http = createServer({ headersTimeout: HEADERS_TIMEOUT_MS }, (request, response) => {
      this.#answer(request, response).catch((error) => {
        const status = error instanceof GyreError && error.code === "ZONE_UNKNOWN" ? 404 : 500;
        send(response, status, problem(status), request.method === "HEAD");
      });
    });
    this.#http.maxConnections = options.sessionsMax + EXTRA_CONNECTIONS;
    this.#http.on("connection", (socket: Socket) => {
      this.#sockets.add(socket);
      // Thousands that end at once are all read before the first is closed.
      socket.on("end", this.#poke);
      socket.on("error", this.#poke);
      socket.once("close", () => {
        this.#sockets.delete(socket);
        this.#poke();
      });
      this.#poke();
    });
    this.#http.on("upgrade", (request, socket, head) => this.#upgrade(request, socket as Socket, head));
    this.#upgrader = new WebSocketServer(TRANSPORT);
  }

  /** Returns the port. Throws PORT_IN_USE, or BAD_ARGUMENT for a host that is not this machine's. */
  listen(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#http.once("error", (error: NodeJS.ErrnoException) => reject(asListenError(error, host, port)));
      this.#http.listen(port, host, () => resolve((this.#http.address() as AddressInfo).port));
    });
  }

  /**
   * Stops listening and ends every connection: sessions with 1001, which may take CLOSE_TIMEOUT_MS. force: nobody is told, all sockets are
   * destroyed, also when it is closing already.
   */
  async close(force = false): Promise<void> {
    this.#closed ??= new Promise<void>((resolve) => this.#http.close(() => resolve()));
    for (const { socket } of this.#waiting.splice(0)) socket.destroy();
    if (force) this.#options.hub.drop();
    else this.#options.hub.close();
    this.#http.closeAllConnections();
    if (force) for (const socket of this.#sockets) socket.destroy();
    await this.#closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url = "/" } = request;
    // Only GET has anything to read here, and a body is nothing that we would wait for.
    if (method !== "GET" && method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      send(response, 405, problem(405), false);
      return;
    }
    const answer = await this.#find(url);
    if (answer === undefined) send(response, 404, problem(404), method === "HEAD");
    else send(response, 200, answer, method === "HEAD");
  }

  async #find(url: string): Promise<Answer | undefined> {
    const path = pathOf(url);
    if (Object.hasOwn(this.#options.answers, path)) return await this.#options.answers[path]?.(queryOf(url));
    return this.#options.pages.get(path) ?? this.#map(path);
  }

  #map(path: string): Answer | undefined {
    const name = /^\/zones\/([^/]+)\/map$/.exec(path)?.[1];
    const venue = name === undefined ? undefined : this.#options.zones.find(name);
    return venue === undefined ? undefined : { type: "application/octet-stream", body: mapBytes(venue.map) };
  }

  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on("error", () => socket.destroy());
    const refusal = refusalOf(request);
    if (refusal !== null) {
      this.#refuseUpgrade(socket, ...refusal);
      return;
    }
    if (this.#waiting.length === 0) setImmediate(() => this.#admit());
    this.#waiting.push({ request, socket, head });
    this.#poke();
  }

  #admit(): void {
    for (const { request, socket, head } of this.#waiting.splice(0, UPGRADES_PER_TURN)) {
      const { format, state } = formatsOf(request.url ?? "/", this.#options.format ?? "binary");
      this.#upgrader.handleUpgrade(request, socket, head, (client) => this.#open(client, format, state, socket));
    }
    if (this.#waiting.length > 0) setImmediate(() => this.#admit());
  }

  #refuseUpgrade(socket: Socket, status: number, reason: string): void {
    this.#options.hub.counters.refuse("BAD_MESSAGE");
    const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: text/plain\r\n`;
    socket.once("finish", () => socket.destroy());
    socket.end(`${head}Content-Length: ${reason.length}\r\n\r\n${reason}`);
  }

  #open(client: WebSocket, format: Format, state: number | undefined, socket: Socket): void {
    const { hub } = this.#options;
    socket.setNoDelay(true);
    const wire = new SocketWire(client, socket);
    let session: Session;
    try {
      session = hub.open(wire, format, state);
    } catch (error) {
      if (!(error instanceof GyreError)) throw error;
      client.on("error", () => client.terminate());
      client.send(JSON.stringify({ type: "error", code: error.code, message: error.message }));
      client.close(CLOSE_TRY_LATER, "no more sessions");
      return;
    }
    // A session that closed itself is another client's before this socket is done with its closing handshake.
    const isOpen = (): boolean => session.isOf(wire);
    client.on("message", (data, isBinary) => {
      if (!isOpen()) return;
      const bytes = data as Buffer;
      if (isBinary) session.receiveBytes(bytes.length);
      else session.receiveText(bytes.toString(), bytes.length);
      this.#poke();
    });
    client.on("ping", () => isOpen() && session.receivePing());
    client.on("pong", () => isOpen() && session.receivePong());
    client.on("close", (code: number) => isOpen() && (LEAVES.has(code) ? session.left() : session.lost()));
    // What breaks RFC 6455 or a limit above: ws answers with the close code for it.
    client.on("error", (error: Error & { code?: string }) => isOpen() && session.broken(closeCodeOf(error.code)));
  }
}

function pathOf(url: string): string {
  const query = url.indexOf("?");
  return query < 0 ? url : url.slice(0, query);
}

function queryOf(url: string): URLSearchParams {
  const query = url.indexOf("?");
  return new URLSearchParams(query < 0 ? "" : url.slice(query));
}

/** state: undefined for that of the format. */
function formatsOf(url: string, format: Format): { format: Format; state: number | undefined } {
  const query = queryOf(url);
  const state = FORMAT_NAMES.indexOf(query.get("state") as StateFormat);
  return { format: (query.get("format") as Format | null) ?? format, state: state < 0 ? undefined : state };
}

/** Status and reason; null when the request may become a session. */
function refusalOf({ url = "/", headers }: IncomingMessage): [number, string] | null {
  // A client that names no subprotocol takes what there is.
  const offered = (headers["sec-websocket-protocol"] ?? SUBPROTOCOL).split(",").map((name) => name.trim());
  if (pathOf(url) !== "/ws") return [404, "the path is /ws"];
  if (!offered.includes(SUBPROTOCOL)) return [400, `the subprotocol is ${SUBPROTOCOL}`];
  const query = queryOf(url);
  const format = query.get("format");
  if (format !== null && !FORMATS.some((name) => name === format)) return [400, "format is binary or json"];
  const state = query.get("state");
  const isKnown = state === null || FORMAT_NAMES.some((name) => name === state);
  return isKnown ? null : [400, `state is one of ${FORMAT_NAMES.join(", ")}`];
}

/** By the stable codes of ws. */
function closeCodeOf(code: string | undefined): number {
  // The latter of frames whose length is no whole number of JavaScript's.
  if (code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH" || code === "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH") return 1009;
  if (code === "WS_ERR_TOO_MANY_BUFFERED_PARTS") return 1008;
  return code === "WS_ERR_INVALID_UTF8" ? 1007 : 1002;
}

function problem(status: number): Answer {
  return { type: "text/plain", body: `${status} ${STATUS_CODES[status]}\n` };
}

function send(response: ServerResponse, status: number, answer: Answer, headOnly: boolean): void {
  response.writeHead(status, {
    "content-type": answer.type,
    "content-length": Buffer.byteLength(answer.body),
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
  });
  response.end(headOnly ? undefined : answer.body);
}

function asListenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  if (error.code === "EADDRINUSE" || error.code === "EACCES") {
    return new GyreError("PORT_IN_USE", `cannot listen on ${host}:${port}: ${error.code}`);
  }
  if (error.code === "EADDRNOTAVAIL" || error.code === "ENOTFOUND" || error.code === "EAI_AGAIN") {
    return new GyreError("BAD_ARGUMENT", `host ${host} is not an address of this machine`);
  }
  return error;
}
