/** The panel: what the server says of its tick at GET /stats once a second, and what the page counts itself. */
import type { Connection, Tracks } from "../client.js";
import { entityColor, KINDS } from "./palette.js";

/** Milliseconds between two looks at the server's statistics. */
const POLL_MS = 1000;
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
}

function element(id: string): HTMLElement {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no #${id}`);
  return found;
}

export class Panel {
  #server: ServerStats | null = null;
  #refreshedMs = 0;
  #frames = 0;
  #scriptMs = 0;
  #bytes = 0;
  #snapshots = 0;
  #connection: Connection | null = null;

  /** Starts to ask the server. */
  poll(): void {
    const ask = async (): Promise<void> => {
      if (!document.hidden && this.#connection !== null) {
        this.#server = await fetch("stats").then(
          (response) => (response.ok ? response.json() : null),
          () => null,
        );
      }
      setTimeout(ask, POLL_MS);
    };
    void ask();
  }

  watch(connection: Connection): void {
    this.#connection = connection;
    this.#bytes = this.#snapshots = 0;
    const { name, width, height, tileSize } = connection.zone;
    element("zone").textContent = `${name}, ${Math.ceil(width / tileSize)} x ${Math.ceil(height / tileSize)}`;
    document.title = `gyre: ${name}`;
  }

  notice(text: string | null): void {
    const notice = element("notice");
    notice.hidden = text === null;
    notice.textContent = text;
  }

  /** A frame was drawn, with so much script. */
  frame(nowMs: number, scriptMs: number): void {
    this.#frames++;
    this.#scriptMs += scriptMs;
    const elapsedMs = nowMs - this.#refreshedMs;
    if (elapsedMs < REFRESH_MS) return;
    const perSecond = 1000 / elapsedMs;
    show("display", `${Math.round(this.#frames * perSecond)} fps, ${(this.#scriptMs / this.#frames).toFixed(1)} ms`);
    if (this.#connection !== null) this.#showConnection(this.#connection, perSecond);
    if (this.#server !== null) this.#showServer(this.#server);
    this.#frames = this.#scriptMs = 0;
    this.#refreshedMs = nowMs;
  }

  #showConnection(connection: Connection, perSecond: number): void {
    const { bytesIn, snapshots, rttMs } = connection.stats;
    show("snapshots", `${((snapshots - this.#snapshots) * perSecond).toFixed(0)} /s`);
    show("received", `${bytesText((bytesIn - this.#bytes) * perSecond)}/s`);
    show("rtt", `${rttMs.toFixed(1)} ms`);
    show("entities", `${thousands(connection.tracks.count)} in view`);
    this.#bytes = bytesIn;
    this.#snapshots = snapshots;
    showLegend(connection.tracks);
  }

  #showServer(stats: ServerStats): void {
    const budgetMs = 1000 / (this.#connection?.tickRate ?? 60);
    showMeter("p50", stats.tickP50Ms, budgetMs);
    showMeter("p99", stats.tickP99Ms, budgetMs);
    show("budget", `${budgetMs.toFixed(2)} ms, ${thousands(stats.lateTicks)} late`);
    show("speed", `${Math.round(100 * stats.slowdown)} %`);
    show("sessions", thousands(stats.sessions));
    show("entities", `${thousands(this.#connection?.tracks.count ?? 0)} of ${thousands(stats.entities)}`);
  }
}

function show(id: string, text: string): void {
  element(id).textContent = text;
}

function showMeter(id: string, ms: number, budgetMs: number): void {
  const share = ms / budgetMs;
  const bar = element(`${id}-bar`);
  show(id, `${ms.toFixed(2)} ms`);
  bar.style.width = `${Math.min(100, 100 * share)}%`;
  bar.className = share > 1 ? "bad" : share > 0.6 ? "warn" : "";
}

/** What is in view of each kind. */
function showLegend({ count, kinds }: Tracks): void {
  const counts = new Map<number, number>();
  for (let i = 0; i < count; i++) counts.set(kinds[i]!, (counts.get(kinds[i]!) ?? 0) + 1);
  const items = [...counts].sort(([a], [b]) => a - b);
  const legend = element("legend");
  const text = items.map(([kind, n]) => `${KINDS[kind]?.name ?? `kind ${kind}`} ${thousands(n)}`);
  if (legend.textContent === text.join("")) return;
  legend.replaceChildren(
    ...items.map(([kind], i) => {
      const item = document.createElement("li");
      item.textContent = text[i]!;
      item.style.setProperty("--swatch", `#${entityColor(kind, 0).toString(16).padStart(6, "0")}`);
      return item;
    }),
  );
}

function thousands(count: number): string {
  return count.toLocaleString("en");
}

function bytesText(bytes: number): string {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`;
  return `${(bytes / 1e6).toFixed(2)} MB`;
}
