// Matches: two players a room, as many rooms as there are pairs. A duel begins when both are there, and goes to three. Run it:
// gyre serve duels.mjs, and open the page twice.
import { defineGame } from "gyre";

const GOAL = 3;
const SIDE = 24; // tiles

export default defineGame({
  name: "duels",
  map: { width: SIDE, height: SIDE, tileSize: 32, tiles: new Uint8Array(SIDE * SIDE) },
  archetypes: {
    fighter: { hp: 60, attack: 20, spread: 0.2, reach: 24, cooldown: 0.5, speed: 160, respawn: 2 },
    target: { hp: 20, team: 9, respawn: 5, speed: 60, brain: "hunter", wander: 200 },
  },
  capacity: 4,
  rooms: {
    duel: { maxPlayers: 2, instances: 250, linger: 2, settings: { targets: 0 } },
    // To warm up: anybody comes and goes.
    yard: { maxPlayers: 16, instances: 4, settings: { targets: 4 } },
  },
  state: () => ({ wins: [0, 0], isOn: false }), // by team
  setup(world) {
    for (let i = 0; i < world.settings.targets; i++) {
      const { x, y } = world.freePlace("target");
      world.spawn("target", x, y);
    }
  },
  join(world) {
    const team = world.players.some((player) => teamOf(world, player.entity) === 0) ? 1 : 0;
    if (world.template === "duel" && world.players.length === 2) {
      world.locked = true; // nobody takes the place of one who leaves a duel
      world.after(3 * world.tickRate, "begin");
      world.tell("ready", { players: world.players.map(({ name }) => name) });
    }
    const { x, y } = world.freePlace("fighter");
    return world.spawn("fighter", x, y, { team });
  },
  timer(world, name) {
    if (name !== "begin" || world.state.isOn || world.players.length < 2) return;
    world.state.isOn = true;
    world.tell("begin", { goal: GOAL });
  },
  death(world, { source }) {
    const winner = world.playerOf(source);
    if (!world.state.isOn || winner === undefined) return;
    const wins = ++world.state.wins[teamOf(world, source)];
    world.tell("point", { to: winner.name, wins: world.state.wins });
    if (wins >= GOAL) end(world, winner);
  },
  leave(world, player) {
    const other = world.players.find((each) => each !== player);
    if (world.state.isOn && other !== undefined) end(world, other);
    world.locked = false; // who stays waits for the next one; without anybody the room closes
  },
});

function end(world, winner) {
  world.tell("won", { by: winner.name });
  world.state.isOn = false;
  world.state.wins = [0, 0];
  world.after(5 * world.tickRate, "begin"); // if both are still there
}

function teamOf(world, id) {
  const slot = world.zone.slot(id);
  return slot < 0 ? -1 : world.zone.columns.team[slot];
}
