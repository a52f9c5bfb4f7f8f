/**
 * The Colyseus server of `end-to-end`: `colyseus-server.mjs views|rooms CLIENTS CELLS CELL SPEED`. A world of CELLS x CELLS cells of CELL units in
 * which CLIENTS walk at SPEED units a second; 60 steps and 20 patches a second. It tells its parent its port, and its figures whenever it is asked.
 *
 * views   one room; each client has a StateView with the players in its own cell and those around it, brought up to date before each patch by
 *         what crossed a border of cells, which is the least there is to do
 * rooms   rooms of as many players as a client of the other one sees, each of the size of what it sees; everybody gets everything, encoded once
 */
import { Room, Server } from "@colyseus/core";
import { Encoder, StateView, schema, t } from "@colyseus/schema";
import { WebSocketTransport } from "@colyseus/ws-transport";

const [mode = "views", ...numbers] = process.argv.slice(2);
const [clients = 100, cells = 4, cell = 192, speed = 40] = numbers.map(Number);
const isViewed = mode === "views";
/** Cells seen on each side of one's own; players in a room, and the cells of its side. */
const RADIUS = 1;
const ROOM_PLAYERS = 50;
const ROOM_CELLS = 2 * RADIUS + 1;
const STEPS_PER_UNIT = 16;
const STEP_MS = 1000 / 60;
const PATCH_MS = 50;

// Room for a first look of everybody, so that nothing is encoded twice.
Encoder.BUFFER_SIZE = Math.max(1 << 18, 4096 * clients);

// Positions in sixteenths, in the smallest type that has room for them; what only the simulation needs is not sent.
const Player = schema(
  {
    ...{ id: t.uint16(), x: t.uint16(), y: t.uint16(), hp: t.int32() },
    ...{ kind: t.uint16(), team: t.uint8(), state: t.uint8(), level: t.uint16() },
  },
  "Player",
);
const World = schema({ players: isViewed ? t.map(Player).view() : t.map(Player) }, "World");

let ticks = 0;
let rooms = 0;

/** A player, and what the server alone knows of it. */
class Walker {
  player = new Player();
  x = 0;
  y = 0;
  dx = 0;
  dy = 0;
  cell = 0;
  view = null;

  constructor(id, side) {
    this.x = Math.random() * side;
    this.y = Math.random() * side;
    Object.assign(this.player, { id, hp: 100, kind: 0, team: 0, state: 0, level: 1 });
    this.show();
  }

  walk(seconds, side) {
    if (this.dx === 0 && this.dy === 0) return;
    this.x = Math.min(side, Math.max(0, this.x + this.dx * speed * seconds));
    this.y = Math.min(side, Math.max(0, this.y + this.dy * speed * seconds));
  }

  show() {
    this.player.x = Math.round(this.x * STEPS_PER_UNIT);
    this.player.y = Math.round(this.y * STEPS_PER_UNIT);
  }
}

class WorldRoom extends Room {
  maxClients = isViewed ? clients : ROOM_PLAYERS;
  state = new World();
  columns = isViewed ? cells : ROOM_CELLS;
  side = this.columns * cell;
  walkers = new Map();
  members = Array.from({ length: this.columns ** 2 }, () => new Set());
  ids = 0;

  onCreate() {
    rooms++;
    this.patchRate = PATCH_MS;
    this.setTimestep((ms) => this.step(ms / 1000), STEP_MS);
    this.onMessage("input", ({ sessionId }, [dx, dy]) => {
      const walker = this.walkers.get(sessionId);
      if (walker === undefined) return;
      const length = Math.max(1, Math.hypot(dx, dy) / 100) * 100;
      walker.dx = dx / length;
      walker.dy = dy / length;
    });
  }

  onJoin(client) {
    const walker = new Walker(++this.ids, this.side);
    this.walkers.set(client.sessionId, walker);
    this.state.players.set(String(walker.player.id), walker.player);
    if (!isViewed) return;
    client.view = walker.view = new StateView();
    walker.cell = this.cellOf(walker);
    for (const other of this.around(walker.cell)) {
      walker.view.add(other.player);
      other.view.add(walker.player);
    }
    walker.view.add(walker.player);
    this.members[walker.cell].add(walker);
  }

  onLeave(client) {
    const walker = this.walkers.get(client.sessionId);
    this.walkers.delete(client.sessionId);
    this.members[walker.cell].delete(walker);
    this.state.players.delete(String(walker.player.id));
    walker.view?.dispose();
  }

  step(seconds) {
    ticks++;
    for (const walker of this.walkers.values()) walker.walk(seconds, this.side);
  }

  /** The schema is written once for each patch, not in each step: a patch has the last value only. */
  onBeforePatch() {
    for (const walker of this.walkers.values()) {
      walker.show();
      if (isViewed) this.cross(walker);
    }
  }

  cellOf({ x, y }) {
    const last = this.columns - 1;
    return Math.min(last, Math.floor(y / cell)) * this.columns + Math.min(last, Math.floor(x / cell));
  }

  sees(from, to) {
    const { columns } = this;
    const rows = Math.abs(Math.floor(from / columns) - Math.floor(to / columns));
    return rows <= RADIUS && Math.abs((from % columns) - (to % columns)) <= RADIUS;
  }

  *around(own) {
    const { columns, members } = this;
    const row = Math.floor(own / columns);
    const column = own % columns;
    for (let r = Math.max(0, row - RADIUS); r <= Math.min(columns - 1, row + RADIUS); r++) {
      for (let c = Math.max(0, column - RADIUS); c <= Math.min(columns - 1, column + RADIUS); c++) {
        yield* members[r * columns + c];
      }
    }
  }

  /** Whom it loses from sight loses it as well, and so with whom it gains. */
  cross(walker) {
    const from = walker.cell;
    const to = this.cellOf(walker);
    if (to === from) return;
    this.members[from].delete(walker);
    for (const other of this.around(from)) {
      if (this.sees(to, other.cell)) continue;
      walker.view.remove(other.player);
      other.view.remove(walker.player);
    }
    for (const other of this.around(to)) {
      if (this.sees(from, other.cell)) continue;
      walker.view.add(other.player);
      other.view.add(walker.player);
    }
    walker.cell = to;
    this.members[to].add(walker);
  }
}

const transport = new WebSocketTransport();
const server = new Server({ transport, greet: false, gracefullyShutdown: false });
server.define("world", WorldRoom);
await server.listen(0, "127.0.0.1");

process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send({ cpuMs: (user + system) / 1000, ticks: ticks / Math.max(1, rooms) });
});
process.on("disconnect", () => process.exit());
process.send({ port: transport.server.address().port });
