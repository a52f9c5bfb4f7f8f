/**
 * Runs a game in one world: each hook is called here and nowhere else, and what it throws comes out as one line that says where it
 * happened. Hooks that a game does not have cost nothing; those that it has allocate what they allocate.
 */
import { GyreError } from "../errors.js";
import type { EntityId, ZoneEvent } from "../kernel/types.js";
import { EVENT } from "../sim/events.js";
import type { Gate } from "../sim/gates.js";
import type { Rules } from "../sim/rules.js";
import type { World } from "../sim/world.js";
import { plainText } from "../state/plain.js";
import type { Plain } from "../state/schema.js";
import type { Scopes } from "../state/scopes.js";
import type { Game } from "./define.js";
import { locate, shortened } from "./locate.js";
import type { SavedTimers } from "./timers.js";
import type { GameDefinition, Input, Json, Player, Settings, System } from "./types.js";
import { RunningWorld } from "./world.js";

/** The number of the action that every game has. */
const ATTACK = "attack";
/** Ticks between two looks at the state of a game in a checked build, so that a mistake is found near where it is made. */
const CHECK_PERIOD_TICKS = 60;

type Hook = (...args: never[]) => unknown;

/** The names of a game's actions by their numbers; 0 is none. */
export function actionsOf({ definition }: Game): readonly string[] {
  return ["", ATTACK, ...(definition.actions ?? [])];
}

/** 0 for an unknown one. */
export function actionNumber(actions: readonly string[], name: string): number {
  return name === "" ? 0 : Math.max(0, actions.indexOf(name));
}

export class GameRules implements Rules {
  readonly partNames: readonly string[];
  readonly sync: Scopes | null;
  /** The game's function that runs now. */
  running: Hook | null = null;

  readonly #world: World;
  readonly #game: Game;
  readonly #definition: GameDefinition;
  readonly #systems: readonly System[];
  /** What errors call them; made once. */
  readonly #systemNames: readonly string[];
  readonly #view: RunningWorld;
  readonly #actions: readonly string[];
  readonly #input: { -readonly [K in keyof Input]: Input[K] } = { seq: 0, dx: 0, dy: 0, action: 0, actionName: "" };
  /** What runs now, for errors. */
  #where = "";

  /** Throws GAME_BAD when the game wants of the kernel what that has not. */
  constructor(world: World, game: Game, settings: Settings) {
    this.#world = world;
    this.#game = game;
    this.#definition = game.definition;
    this.#systems = game.definition.systems ?? [];
    this.#systemNames = this.#systems.map(({ name }) => `system "${name}"`);
    this.#actions = actionsOf(game);
    this.#view = new RunningWorld(world, game, settings);
    this.sync = this.#view.scopes;
    this.partNames = this.sync === null ? ["state", "timers"] : ["state", "timers", "sync"];
    for (const [i, { kernel }] of this.#systems.entries()) {
      if (kernel === undefined || world.kernel.own.includes(kernel)) continue;
      const known = world.kernel.own.length === 0 ? "nothing" : world.kernel.own.join(", ");
      throw new GyreError("GAME_BAD", `systems[${i}].kernel is ${JSON.stringify(kernel)}; the kernel exports ${known}`);
    }
  }

  setup(): void {
    const { state, setup } = this.#definition;
    if (state !== undefined) {
      this.#begin("state", state);
      this.#view.state = this.#definition.state?.(this.#view.settings);
      this.#end(this.#view.state);
    }
    if (setup === undefined) return;
    this.#begin("setup", setup);
    this.#end(this.#definition.setup?.(this.#view));
  }

  reset(): void {
    this.#view.reset();
  }

  join(seat: number): EntityId {
    const player = this.#view.add(seat);
    return this.#enter(player, "join");
  }

  gone(seat: number): EntityId {
    const player = this.#view.list.at(seat);
    if (player === undefined) return 0;
    return this.#enter(player, this.#definition.gone === undefined ? "join" : "gone");
  }

  arrive(seat: number): void {
    const player = this.#view.add(seat);
    const { arrive } = this.#definition;
    if (arrive === undefined) return;
    this.#begin("arrive", arrive);
    this.#end(this.#definition.arrive?.(this.#view, player));
  }

  leave(seat: number): void {
    const player = this.#view.list.at(seat);
    const { leave } = this.#definition;
    if (leave !== undefined && player !== undefined) {
      this.#begin("leave", leave);
      this.#end(this.#definition.leave?.(this.#view, player));
    }
    this.#view.remove(seat);
  }

  depart(seat: number, { to }: Gate): void {
    const player = this.#view.list.at(seat);
    const { depart } = this.#definition;
    if (depart !== undefined && player !== undefined) {
      this.#begin("depart", depart);
      this.#end(this.#definition.depart?.(this.#view, player, to));
    }
    this.#view.remove(seat);
  }

  stay(seat: number, { to }: Gate): void {
    const player = this.#view.list.at(seat);
    const { stay } = this.#definition;
    if (stay === undefined || player === undefined) return;
    this.#begin("stay", stay);
    this.#end(this.#definition.stay?.(this.#view, player, to));
  }

  input(seat: number, seq: number, dx: number, dy: number, action: number): boolean {
    const { input } = this.#definition;
    if (input === undefined) return true;
    const player = this.#view.list.at(seat);
    if (player === undefined) return false;
    const sent = this.#input;
    sent.seq = seq;
    sent.dx = dx;
    sent.dy = dy;
    sent.action = action;
    sent.actionName = this.#actions[action] ?? "";
    this.#begin("input", input);
    const answer = this.#definition.input?.(this.#view, player, sent);
    this.#end(answer);
    return answer !== false;
  }

  advance(): void {
    const { tick } = this.#view;
    for (let timer = this.#view.timers.take(tick); timer !== undefined; timer = this.#view.timers.take(tick)) {
      this.#runTimer(timer.name, timer.data);
    }
    for (let i = 0; i < this.#systems.length; i++) {
      const system = this.#systems[i];
      if (system !== undefined && (tick + i) % system.every === 0) this.#runSystem(system, this.#systemNames[i] ?? "");
    }
    if (this.#world.kernel.checked && tick % CHECK_PERIOD_TICKS === 0) this.parts();
  }

  event(event: ZoneEvent): boolean {
    const { death, event: other } = this.#definition;
    const isDeath = event.type === EVENT.DEATH;
    const hook = isDeath ? death : other;
    if (hook === undefined) return false;
    this.#begin(isDeath ? "death" : "event", hook);
    this.#end(isDeath ? this.#definition.death?.(this.#view, event) : this.#definition.event?.(this.#view, event));
    return true;
  }

  action(name: string): number {
    return actionNumber(this.#actions, name);
  }

  parts(): ReadonlyMap<string, string> {
    const parts = new Map([
      ["state", this.#stateText()],
      ["timers", JSON.stringify(this.#view.timers.save())],
    ]);
    if (this.sync !== null) parts.set("sync", JSON.stringify(this.sync.save()));
    return parts;
  }

  restore(parts: ReadonlyMap<string, string>): void {
    const [state, timers] = [parts.get("state") ?? "", parts.get("timers") ?? ""];
    this.#view.state = state === "" ? undefined : JSON.parse(state);
    this.#view.timers.restore(JSON.parse(timers) as SavedTimers);
    for (let seat = 0; seat < this.#world.seats; seat++) if (this.#world.isPresent(seat)) this.#view.add(seat);
    const sync = parts.get("sync");
    if (sync !== undefined) this.sync?.restore(JSON.parse(sync) as Plain);
  }

  located(error: unknown, place?: string): GyreError {
    try {
      return this.#located(error, place);
    } catch {
      // It has getters that throw, or is a proxy.
      return this.#located(new Error("it threw what has no text"), place);
    }
  }

  #located(error: unknown, place?: string): GyreError {
    if (error instanceof GyreError && error.code === "GAME_FAILED") return error;
    const message = saidBy(error);
    const when = `${this.#world.name} at tick ${this.#world.zone.tick}`;
    if (this.#where === "") {
      // Not in the game's hands.
      return new GyreError(error instanceof GyreError ? error.code : "GAME_FAILED", `${when}: ${message}`);
    }
    // A stack has a place in the game only if the game was running.
    const { file } = this.#game;
    const traced = this.running === null ? "" : locate(error, file, "GameRules.");
    const found = place === undefined ? traced : shortened(place, file);
    return new GyreError(
      "GAME_FAILED",
      `${found || fileName(file)} in ${this.#where} of ${when}: ${message}`.trimStart(),
    );
  }

  #stateText(): string {
    const { state } = this.#view;
    if (state === undefined) return "";
    try {
      return plainText(state, "state");
    } catch (error) {
      this.#where = "state";
      throw this.located(error);
    } finally {
      this.#where = "";
    }
  }

  /** What a player gets: as the hook says, or else the first archetype at a free place. */
  #enter(player: Player, where: "join" | "gone"): EntityId {
    const hook = this.#definition[where];
    this.#view.isEntering = true;
    this.#begin(where, hook ?? null);
    const id = hook === undefined ? this.#enterByDefault() : this.#ask(where, player);
    this.#returned(id);
    // A wrong answer is the hook's, but at no line of it.
    this.running = null;
    if (id !== undefined && !(Number.isInteger(id) && id >= 0)) {
      throw new GyreError("BAD_ARGUMENT", `the hook returned ${String(id)}; it must be an entity's id or undefined`);
    }
    // Here, so that an id which it may not have is told as this hook's.
    if (id !== undefined) this.#world.possess(player.seat, id);
    // It may have possessed one by itself.
    const entity = id ?? player.entity;
    this.#end();
    this.#view.isEntering = false;
    return entity;
  }

  #ask(where: "join" | "gone", player: Player): EntityId | undefined {
    if (where === "join") return this.#definition.join?.(this.#view, player);
    return this.#definition.gone?.(this.#view, player);
  }

  #enterByDefault(): EntityId {
    const { x, y } = this.#view.freePlace();
    return this.#view.spawn(0, x, y);
  }

  #runTimer(name: string, data: string): void {
    const { timer } = this.#definition;
    if (timer === undefined) return;
    this.#begin(`timer "${name}"`, timer);
    this.#end(this.#definition.timer?.(this.#view, name, data === "" ? null : (JSON.parse(data) as Json)));
  }

  #runSystem(system: System, where: string): void {
    const { kernel, numbers, run } = system;
    this.#begin(where, run ?? null);
    this.#end(kernel === undefined ? system.run?.(this.#view) : this.#world.zone.call(kernel, ...(numbers ?? [])));
  }

  #begin(where: string, hook: Hook | null): void {
    this.#where = where;
    this.running = hook;
  }

  /** Not reached when the hook throws: what ran last is what failed. answer: what it returned. */
  #end(answer?: unknown): void {
    this.#returned(answer);
    this.#where = "";
  }

  /** The hook is through: what is wrong from here on has no place in the game. */
  #returned(answer: unknown): void {
    this.running = null;
    refusePromise(answer);
  }
}

/** What was thrown, as text. Anything can be thrown, also what throws when it is looked at. */
function saidBy(error: unknown): string {
  try {
    if (!(error instanceof Error)) return `it threw ${String(error)}`;
    return ["Error", "GyreError"].includes(error.name) ? `${error.message}` : `${error.name}: ${error.message}`;
  } catch {
    return "it threw what has no text";
  }
}

function refusePromise(result: unknown): void {
  if (typeof result !== "object" || result === null) return;
  if (!("then" in result) || typeof result.then !== "function") return;
  // Whatever comes of it, nobody waits for it any more.
  Promise.resolve(result).catch(() => {});
  throw new GyreError("BAD_ARGUMENT", "the hook returned a promise; it must be done when it returns");
}

function fileName(file: string): string {
  return file.slice(file.lastIndexOf("/") + 1);
}
