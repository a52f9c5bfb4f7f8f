/**
 * What is one player's alone, in the bytes that TCP brings to all: over real sockets, in every encoding of snapshots and of the state tree, with and
 * without threads. A search that finds nothing proves something only where it would find it: each player's secrets are in its own bytes, and in everybody's
 * where a game tells them.
 */
import { createServer, type Game } from "gyre";
import { test } from "uvu";
import * as assert from "uvu/assert";
import { RawSocket } from "./support/raw-socket.js";
import { foundIn, MOTTO, secretsOf, toldIn } from "./support/secrets.js";
import { until } from "./support/until.js";

const { default: game }: { default: Game } = await import(new URL("games/secrets.js", import.meta.url).href);

const WAYS = ["binary", "json"].flatMap((format) => ["msgpack", "json", "plain"].map((state) => ({ format, state })));
type Way = (typeof WAYS)[number];

const KINDS = Object.keys(secretsOf(""));
const OF_ENTITY = ["xp", "gold", "readyAt"];

/** A connection and whose it was, one after the other. */
class Visitor {
  readonly names: string[] = [];
  readonly #socket: RawSocket;
  readonly #way: Way;
  #seq = 0;

  private constructor(socket: RawSocket, way: Way) {
    this.#socket = socket;
    this.#way = way;
  }

  static async come(url: string, way: Way = WAYS[0]!): Promise<Visitor> {
    return new Visitor(await RawSocket.open(`${url}?format=${way.format}&state=${way.state}`), way);
  }

  static async player(url: string, way: Way, name: string, zone: string): Promise<Visitor> {
    return (await Visitor.come(url, way)).join(name, zone);
  }

  static async spectator(url: string, way: Way, zone: string): Promise<Visitor> {
    return (await Visitor.come(url, way)).look(zone);
  }

  get bytes(): Buffer {
    return this.#socket.bytes;
  }

  get token(): string {
    return String(this.#welcomes.at(-1)!["session"]);
  }

  get zone(): string {
    return (this.#welcomes.at(-1)!["zone"] as { name: string }).name;
  }

  async join(name: string, zone: string): Promise<this> {
    this.names.push(name);
    await this.#welcomed(() => this.#socket.send({ type: "join", name, zone }));
    return this;
  }

  async look(zone: string): Promise<this> {
    this.#socket.send({ type: "view", x0: 0, y0: 0, x1: 512, y1: 512, zone });
    await this.#told();
    return this;
  }

  /** It looks on where it played. */
  async leave(): Promise<void> {
    this.#socket.send({ type: "leave" });
    this.#socket.send({ type: "view", x0: 0, y0: 0, x1: 512, y1: 512 });
    this.#socket.send({ type: "ping", t: 1 });
    await until("that was read", () => this.#socket.replies.some(({ type }) => type === "pong"));
  }

  async cross(): Promise<void> {
    await this.#welcomed(() => this.#act("cross"));
  }

  /** Its connection is lost, and another one goes on. */
  async resume(url: string, way: Way): Promise<Visitor> {
    const next = await Visitor.come(url, way);
    next.names.push(...this.names);
    this.#socket.cut();
    await next.#welcomed(() => next.#socket.send({ type: "resume", session: this.token }));
    await next.#told();
    return next;
  }

  /** It hears all of its secrets, in its own encodings. */
  async whisper(): Promise<void> {
    this.#act("whisper");
    const name = this.names.at(-1)!;
    await until(`${this} hears what is its own`, () => toldIn(this.bytes, name, this.#way).length === KINDS.length);
  }

  /** Says something that these hear, and with it all that the game said before. */
  async ring(ears: readonly Visitor[]): Promise<void> {
    this.#act("ring");
    const text = `ring ${this.#seq} of ${this.names.at(-1)}`;
    await until("all hear it", () => ears.every(({ bytes }) => bytes.includes(text)));
  }

  toString(): string {
    return `${this.names.join(", ") || "a spectator"} (${this.#way.format}, ${this.#way.state})`;
  }

  get #welcomes() {
    return this.#socket.replies.filter(({ type }) => type === "welcome");
  }

  #act(action: string): void {
    this.#socket.send({ type: "input", seq: ++this.#seq, dx: 0, dy: 0, action });
  }

  /** It has its first sync: events of before are not for it. */
  async #told(): Promise<void> {
    await until(`${this} is told what all are`, () => this.bytes.includes(MOTTO));
  }

  async #welcomed(ask: () => void): Promise<void> {
    const { length } = this.#welcomes;
    ask();
    await until(`${this} is welcome`, () => this.#welcomes.length > length);
  }
}

/** Every secret of another one that stands in what somebody was sent. */
function leaks(visitors: readonly Visitor[]): string[] {
  const names = new Set(visitors.flatMap((visitor) => visitor.names));
  const tokens = new Set(visitors.filter((visitor) => visitor.names.length > 0).map(({ token }) => token));
  const found: string[] = [];
  for (const visitor of visitors) {
    const { bytes } = visitor;
    for (const name of names) {
      if (visitor.names.includes(name)) continue;
      for (const kind of foundIn(bytes, name)) found.push(`${kind} of ${name} is told to ${visitor}`);
    }
    for (const token of tokens) {
      if (visitor.names.length > 0 && visitor.token === token) assert.ok(bytes.includes(token));
      else if (bytes.includes(token)) found.push(`a token is told to ${visitor}`);
    }
  }
  return found;
}

for (const threads of [0, 1]) {
  test(`on ${threads} threads: nobody's traffic has a secret of another, whoever joins, leaves, comes back, resumes or goes to another room`, async () => {
    const server = await createServer({ game, port: 0, npcs: 0, bots: 0, threads });
    try {
      const url = server.ws;
      const player = (way: Way, name: string): Promise<Visitor> => Visitor.player(url, way, name, "quiet");
      const [binary, json] = [WAYS[0]!, WAYS[5]!];
      // A full room, two in the next one, and two who look on.
      const first = await Promise.all(WAYS.map((way, i) => player(way, `first ${i}`)));
      const second = [await player(binary, "second 0"), await player(json, "second 1")] as const;
      assert.equal([first[0]!.zone, second[0].zone], ["quiet-0", "quiet-1"]);
      const spectators = await Promise.all([binary, json].map((way) => Visitor.spectator(url, way, "quiet-0")));
      await Promise.all([...first, ...second].map((visitor) => visitor.whisper()));
      // Of the first room two leave and look on; one comes through the gate, and one anew. The second room closes.
      const [leaver, lost, other, returner] = first as [Visitor, Visitor, Visitor, Visitor];
      await Promise.all([leaver, returner, second[1]].map((visitor) => visitor.leave()));
      await second[0].cross();
      const third = await player(WAYS[3]!, "third");
      // It is opened again, by whom is new and by one who comes back on the same connection, as somebody else.
      const fourth = await player(WAYS[1]!, "fourth");
      await returner.join("returner", "quiet");
      assert.equal(
        [second[0], third, fourth, returner].map(({ zone }) => zone),
        ["quiet-0", "quiet-0", "quiet-1", "quiet-1"],
      );
      const resumed = await Promise.all([lost.resume(url, json), other.resume(url, WAYS[1]!)]);
      const here = [...resumed, ...first.slice(4), second[0], third];
      await Promise.all([...here, fourth, returner].map((visitor) => visitor.whisper()));
      for (const ears of [here, here]) await ears[0]!.ring([...ears, ...spectators, leaver]);
      await fourth.ring([fourth, returner, second[1]]);
      assert.equal(leaks([...first, ...second, ...spectators, third, fourth, ...resumed]), []);
    } finally {
      await server.close();
    }
  });

  test(`on ${threads} threads: where a game tells one's secrets to all, the same search finds each of them with everybody, in every encoding`, async () => {
    const server = await createServer({ game, port: 0, npcs: 0, bots: 0, threads });
    try {
      const visitors = await Promise.all(WAYS.map((way, i) => Visitor.player(server.ws, way, `loose ${i}`, "loose")));
      const spectators = await Promise.all(WAYS.map((way) => Visitor.spectator(server.ws, way, "loose-0")));
      const [teller, ...others] = visitors as [Visitor, ...Visitor[]];
      await teller.whisper();
      const expected = [...others, ...spectators].flatMap((visitor) =>
        KINDS.filter((kind) => visitor.names.length > 0 || !OF_ENTITY.includes(kind)).map(
          (kind) => `${kind} of loose 0 is told to ${visitor}`,
        ),
      );
      const everybody = [...visitors, ...spectators];
      for (const ears of [everybody, everybody]) await teller.ring(ears);
      assert.equal(leaks(everybody), expected);
    } finally {
      await server.close();
    }
  });
}

test.run();
