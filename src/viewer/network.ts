/**
 * The network panel: what replication costs and how well it goes, of the connection that watches and, while the visitor plays, of its player's.
 * All of it is what `connection.stats` says to everybody; rates are of the time since the last refresh. Costs a few hundred
 * microseconds twice a second.
 */
import type { Connection } from "../client.js";
import { STREAMS } from "./palette.js";
import { bytesText, cssColor, element, thousands } from "./text.js";

/** Milliseconds between two updates of the text. */
const REFRESH_MS = 500;
const NONE = "-";

type Who = "watch" | "play";

/** What came in a second: snapshots, bytes, and bytes by stream. */
interface Rates {
  snapshots: number;
  bytes: number;
  streams: number[];
}

interface Row {
  readonly id: string;
  readonly label: string;
  /** What it means, for who points at it. */
  readonly title: string;
  /** rates: null before the second refresh. */
  readonly text: (connection: Connection, rates: Rates | null) => string;
  /** Of the overlay's cells. */
  readonly color?: number;
}

const ms = (value: number): string => (value === 0 ? NONE : `${value.toFixed(1)} ms`);

function streamRow(stream: number, id: string, title: string): Row {
  const color = STREAMS[id];
  return {
    id,
    label: id,
    title,
    text: (_, rates) => (rates === null ? NONE : bytesText(rates.streams[stream]!)),
    ...(color === undefined ? {} : { color }),
  };
}

const ROWS: readonly Row[] = [
  {
    id: "rate",
    label: "snapshots /s",
    title: "Snapshots that came in the last second",
    text: (_, rates) => (rates === null ? NONE : rates.snapshots.toFixed(0)),
  },
  {
    id: "gap-p50",
    label: "gap p50",
    title: "Between two snapshots, of the last 256: half of them",
    text: ({ stats }) => ms(stats.gapP50Ms),
  },
  { id: "gap-p95", label: "gap p95", title: "95 of 100", text: ({ stats }) => ms(stats.gapP95Ms) },
  { id: "gap-p99", label: "gap p99", title: "99 of 100", text: ({ stats }) => ms(stats.gapP99Ms) },
  {
    id: "rtt",
    label: "round trip",
    title: "From a ping to its answer, as the page's script has it",
    text: ({ stats }) => ms(stats.rttMs),
  },
  {
    id: "delay",
    label: "shown behind",
    title: "Interpolation delay: how old what is drawn is, beyond the way here",
    text: ({ interpolationDelay }) => ms(interpolationDelay),
  },
  {
    id: "corrections",
    label: "corrections",
    title: "Predictions of the own entity that the server's state was not equal to",
    text: ({ stats, you }) => (you === 0 ? NONE : thousands(stats.corrections)),
  },
  {
    id: "checks",
    label: "hash checks",
    title: "Cells whose state was compared with the server's",
    text: ({ stats }) => thousands(stats.hashChecks),
  },
  {
    id: "repairs",
    label: "repairs",
    title: "Cells that differed, and came again in full",
    text: ({ stats }) => thousands(stats.repairs),
  },
  {
    id: "resumes",
    label: "resumes",
    title: "Times that the connection was lost and taken up again",
    text: ({ stats }) => thousands(stats.resumes),
  },
  streamRow(0, "near", "Bytes a second of cells next to the player, told most often"),
  streamRow(1, "normal", "Bytes a second of the cells in view"),
  streamRow(2, "far", "Bytes a second of cells beyond it, told least often"),
  streamRow(3, "private", "Bytes a second of the own entity, and the heads of frames"),
  streamRow(4, "state", "Bytes a second of the game's state tree"),
  {
    id: "bytes",
    label: "all /s",
    title: "Bytes a second of all messages",
    text: (_, rates) => (rates === null ? NONE : bytesText(rates.bytes)),
  },
];

/** A column of numbers, and what the rates are worked out from. */
class Column {
  readonly #cells: readonly HTMLElement[];
  #connection: Connection | null = null;
  #snapshots = 0;
  #bytes = 0;
  #streams: number[] = [];

  constructor(cells: readonly HTMLElement[]) {
    this.#cells = cells;
  }

  show(connection: Connection | null, seconds: number): void {
    const rates = connection !== null && connection === this.#connection ? this.#rates(connection, seconds) : null;
    this.#connection = connection;
    if (connection !== null) this.#remember(connection);
    for (let i = 0; i < ROWS.length; i++) {
      this.#cells[i]!.textContent = connection === null ? NONE : ROWS[i]!.text(connection, rates);
    }
  }

  #rates({ stats }: Connection, seconds: number): Rates {
    return {
      snapshots: (stats.snapshots - this.#snapshots) / seconds,
      bytes: (stats.bytesIn - this.#bytes) / seconds,
      streams: stats.bytesByStream.map((bytes, stream) => (bytes - this.#streams[stream]!) / seconds),
    };
  }

  #remember({ stats }: Connection): void {
    this.#snapshots = stats.snapshots;
    this.#bytes = stats.bytesIn;
    this.#streams = [...stats.bytesByStream];
  }
}

export class NetworkPanel {
  readonly #box = element("network");
  readonly #showCells = element("show-cells") as HTMLInputElement;
  readonly #watch: Column;
  readonly #play: Column;
  #refreshedMs = 0;

  /** overlay: what its checkbox turns on. */
  constructor(overlay: { isOn: boolean }) {
    // A click leaves the keyboard to the scene: space is to strike.
    this.#box.addEventListener("mousedown", (event) => event.preventDefault());
    this.#showCells.addEventListener("change", () => {
      overlay.isOn = this.#showCells.checked;
    });
    const rows = ROWS.map(makeRow);
    element("network-rows").replaceChildren(...rows.map(({ row }) => row));
    this.#watch = new Column(rows.map(({ watch }) => watch));
    this.#play = new Column(rows.map(({ play }) => play));
  }

  toggleCells(): void {
    this.#showCells.click();
  }

  /** A frame was drawn. player: the visitor's. */
  frame(nowMs: number, connection: Connection | null, player: Connection | null): void {
    const elapsedMs = nowMs - this.#refreshedMs;
    if (elapsedMs < REFRESH_MS) return;
    this.#refreshedMs = nowMs;
    this.#box.classList.toggle("playing", player !== null);
    this.#watch.show(connection, elapsedMs / 1000);
    this.#play.show(player, elapsedMs / 1000);
  }
}

function makeRow({ id, label, title, color }: Row) {
  const row = document.createElement("tr");
  row.title = title;
  const head = document.createElement("th");
  head.scope = "row";
  head.textContent = label;
  if (color !== undefined) {
    head.className = "swatch";
    head.style.setProperty("--swatch", cssColor(color));
  }
  const cell = (who: Who): HTMLElement => {
    const made = document.createElement("td");
    made.id = `${who}-${id}`;
    made.className = who;
    return made;
  };
  const [watch, play] = [cell("watch"), cell("play")];
  row.append(head, watch, play);
  return { row, watch, play };
}
