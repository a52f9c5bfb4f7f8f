/** The panel: what the server says of its tick at GET /stats once a second, what is in view, and how the visitor's player fares. */
import type { Connection, Tracks } from "../client.js";
import { DEAD, type Look } from "./look.js";
import { cssColor, element, show, thousands } from "./text.js";

/** Milliseconds between two looks at the server's statistics. */
const POLL_MS = 1000;
/** Events shown, and characters of one. */
const EVENTS_SHOWN = 5;
const EVENT_LENGTH_MAX = 60;
/** Milliseconds between two updates of the text. */
const REFRESH_MS = 500;

/** The part of GET /stats that is shown. */
interface ServerStats {
  tickP50Ms: number;
  tickP99Ms: number;
  lateTicks: number;
  sessions: number;
  entities: number;
  slowdown: number;
  workers: WorkerStats[];
  zone?: ZoneCost;
}

interface WorkerStats {
  name: string;
  utilisation: number;
  tickP99Ms: number;
  wakeP99Ms: number;
  steals: number;
  spinSuccess: number | null;
}

interface ZoneCost {
  worker: string;
  costMs: number;
  commands: number;
}

export class Panel {
  #server: ServerStats | null = null;
  #refreshedMs = 0;
  #frames = 0;
  #scriptMs = 0;
  #connection: Connection | null = null;
  #look: Look | null = null;
  /** The newest first. */
  readonly #events: string[] = [];

  /** Starts to ask the server. */
  poll(): void {
    const ask = async (): Promise<void> => {
      if (!document.hidden && this.#connection !== null) {
        this.#server = await fetch(`stats?zone=${encodeURIComponent(this.#connection.zone.name)}`).then(
          (response) => (response.ok ? response.json() : null),
          () => null,
        );
      }
      setTimeout(ask, POLL_MS);
    };
    void ask();
  }

  watch(connection: Connection, look: Look): void {
    this.#connection = connection;
    this.#look = look;
    const { name, width, height, tileSize } = connection.zone;
    element("zone").textContent = `${name}, ${Math.ceil(width / tileSize)} x ${Math.ceil(height / tileSize)}`;
    document.title = `gyre: ${name}`;
    // Nobody fights where nobody can be harmed.
    element("states").hidden = connection.zone.kinds.every(({ hp }) => hp === 0);
  }

  notice(text: string | null): void {
    const notice = element("notice");
    notice.hidden = text === null;
    notice.textContent = text;
  }

  /** The game told something. */
  told(name: string, data: unknown): void {
    this.#events.unshift(sentence(name, data).slice(0, EVENT_LENGTH_MAX));
    this.#events.length = Math.min(this.#events.length, EVENTS_SHOWN);
    element("events").replaceChildren(
      ...this.#events.map((text) => {
        const item = document.createElement("li");
        item.textContent = text;
        return item;
      }),
    );
  }

  /** A frame was drawn, with so much script. player: the visitor's. */
  frame(nowMs: number, scriptMs: number, player: Connection | null): void {
    this.#frames++;
    this.#scriptMs += scriptMs;
    const elapsedMs = nowMs - this.#refreshedMs;
    if (elapsedMs < REFRESH_MS) return;
    const perSecond = 1000 / elapsedMs;
    show("display", `${Math.round(this.#frames * perSecond)} fps, ${(this.#scriptMs / this.#frames).toFixed(1)} ms`);
    if (this.#connection !== null) this.#showConnection(this.#connection);
    this.#showPlayer(player);
    if (this.#server !== null) this.#showServer(this.#server);
    this.#frames = this.#scriptMs = 0;
    this.#refreshedMs = nowMs;
  }

  #showConnection(connection: Connection): void {
    show("entities", `${thousands(connection.tracks.count)} in view`);
    if (this.#look !== null) showLegend(connection.tracks, this.#look);
  }

  #showPlayer(player: Connection | null): void {
    const own = player?.own ?? null;
    element("you").hidden = player === null;
    if (player === null) return;
    const entity = player.entities.get(player.you);
    const hpMax = entity === undefined ? 0 : (this.#look?.hpMax(entity.kind, entity.level) ?? 0);
    const isDead = own === null || entity?.state === DEAD;
    show("hp", isDead ? "dead" : `${own.hp}${hpMax > 0 ? ` of ${hpMax}` : ""}`);
    show("level", thousands(own?.level ?? 0));
    show("xp", thousands(own?.xp ?? 0));
    show("gold", thousands(own?.gold ?? 0));
  }

  #showServer(stats: ServerStats): void {
    const budgetMs = 1000 / (this.#connection?.tickRate ?? 60);
    showMeter("p50", stats.tickP50Ms, budgetMs);
    showMeter("p99", stats.tickP99Ms, budgetMs);
    show("budget", `${budgetMs.toFixed(2)} ms, ${thousands(stats.lateTicks)} late`);
    show("speed", `${Math.round(100 * stats.slowdown)} %`);
    show("sessions", thousands(stats.sessions));
    show("entities", `${thousands(this.#connection?.tracks.count ?? 0)} of ${thousands(stats.entities)}`);
    if (stats.zone !== undefined) showZone(stats.zone);
    showWorkers(stats.workers);
  }
}

function showMeter(id: string, ms: number, budgetMs: number): void {
  const share = ms / budgetMs;
  const bar = element(`${id}-bar`);
  show(id, `${ms.toFixed(2)} ms`);
  bar.style.width = `${Math.min(100, 100 * share)}%`;
  bar.className = share > 1 ? "bad" : share > 0.6 ? "warn" : "";
}

function showZone({ worker, costMs, commands }: ZoneCost): void {
  show("zone-cost", `${costMs.toFixed(2)} ms, ${worker}`);
  show("zone-commands", `${thousands(commands)} waiting`);
}

/** A row for each thread. */
function showWorkers(workers: readonly WorkerStats[]): void {
  const box = element("workers");
  box.hidden = false;
  box.querySelector("tbody")?.replaceChildren(
    ...workers.map(({ name, utilisation, tickP99Ms, wakeP99Ms, steals, spinSuccess }) => {
      const row = document.createElement("tr");
      const spin = spinSuccess === null ? "-" : `${Math.round(100 * spinSuccess)}%`;
      const cells = [
        name,
        `${Math.round(100 * utilisation)}%`,
        shortMs(tickP99Ms),
        shortMs(wakeP99Ms),
        spin,
        short(steals),
      ];
      row.append(
        ...cells.map((text) => {
          const cell = document.createElement("td");
          cell.textContent = text;
          return cell;
        }),
      );
      return row;
    }),
  );
}

/** The forms that the arena's news have, and of everything else what it is made of. */
function sentence(name: string, data: unknown): string {
  if (typeof data === "string") return `${name}: ${data}`;
  const fields = Object.entries(typeof data === "object" && data !== null ? data : {});
  const said = new Map(
    fields.map(([key, value]) => [key, typeof value === "object" ? JSON.stringify(value) : `${value}`]),
  );
  const [killer, victim] = [said.get("killer"), said.get("victim")];
  if (killer !== undefined && victim !== undefined) return `${killer} killed ${victim}`;
  if (said.size === 1 && said.has(name)) return `${name} ${said.get(name)}`;
  return fields.length === 0 ? name : `${name}: ${[...said].map((pair) => pair.join(" ")).join(", ")}`;
}

/** What is in view of each kind. */
function showLegend({ count, kinds }: Tracks, look: Look): void {
  const counts = new Map<number, number>();
  for (let i = 0; i < count; i++) counts.set(kinds[i]!, (counts.get(kinds[i]!) ?? 0) + 1);
  const items = [...counts].sort(([a], [b]) => a - b);
  const legend = element("legend");
  const text = items.map(([kind, n]) => `${look.name(kind)} ${thousands(n)}`);
  if (legend.textContent === text.join("")) return;
  legend.replaceChildren(
    ...items.map(([kind], i) => {
      const item = document.createElement("li");
      item.textContent = text[i]!;
      item.style.setProperty("--swatch", cssColor(look.color(kind, 0)));
      return item;
    }),
  );
}

/** At most four characters: 0.05, 4.21, 16.7, 120 */
function shortMs(ms: number): string {
  return ms.toFixed(ms < 10 ? 2 : ms < 100 ? 1 : 0);
}

/** At most four characters. */
function short(count: number): string {
  return count.toLocaleString("en", { notation: "compact", maximumSignificantDigits: 3 });
}
