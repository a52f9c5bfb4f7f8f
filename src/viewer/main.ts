/**
 * The viewer: draws the map and every entity that the camera sees at the display's rate, interpolated between snapshots, and
 * lets the visitor walk in. The address may name a zone: /?zone=NAME. Script takes about a millisecond a frame at 20,000
 * entities, most of it pixi's; the rest is the graphics processor's.
 */
import { Container, Graphics, WebGLRenderer } from "pixi.js";
import type { Connection } from "../client.js";
import { BarLayer } from "./bar-layer.js";
import { Camera } from "./camera.js";
import { CellOverlay } from "./cell-overlay.js";
import { Controls } from "./controls.js";
import { EntityLayer } from "./entity-layer.js";
import { GateLayer } from "./gate-layer.js";
import { Link } from "./link.js";
import { Look, RADIUS } from "./look.js";
import { MapLayer } from "./map-layer.js";
import { NetworkPanel } from "./network.js";
import { OwnPlace } from "./own-place.js";
import { BACKDROP } from "./palette.js";
import { Panel } from "./panel.js";
import { element } from "./text.js";
import { TileMap } from "./tile-map.js";

/** Pixels per unit when the visitor plays, at least. */
const PLAY_ZOOM = 1;
/** Pixels per unit at first, at least: a whole small map, or a quarter of the screen to an interest cell of a large one. */
const START_ZOOM_MIN = 0.25;
/** Pixels around an entity that count as on it. */
const PICK_PIXELS = 14;
/** Milliseconds between two blows of a held key: the server's cooldowns are longer. */
const STRIKE_MS_MIN = 100;
/** Seconds of a frame, at most: after a pause the camera does not leap. */
const FRAME_SECONDS_MAX = 0.1;

class Viewer {
  readonly camera = new Camera();
  readonly link: Link;
  readonly bars = new BarLayer();
  readonly overlay = new CellOverlay(element("cells") as HTMLCanvasElement);
  readonly ownPlace = new OwnPlace();
  readonly #renderer: WebGLRenderer;
  readonly #panel = new Panel();
  readonly #network = new NetworkPanel(this.overlay);
  readonly #controls: Controls;
  readonly #world = new Container();
  /** Of radius 100, so that it has corners enough; scaled to what it surrounds. */
  readonly #ring = new Graphics().circle(0, 0, 100).stroke({ width: 7, color: 0xffffff, alpha: 0.85 });
  readonly #entities = new EntityLayer();
  readonly #gates = new GateLayer();
  #look = new Look({ kinds: [] });
  #map: MapLayer | null = null;
  /** The entity that the camera follows; 0 for none. */
  #followed = 0;
  /** The zone that the camera has been placed in. */
  #placedIn = "";
  /** The camera shall go to the player at once: it came through a gate. */
  #jumps = false;
  #struckMs = 0;
  #lastMs = performance.now();

  constructor(canvas: HTMLCanvasElement, renderer: WebGLRenderer) {
    this.#renderer = renderer;
    this.#world.addChild(this.#gates.graphics, this.#entities.mesh, this.bars.mesh, this.#ring);
    this.#controls = new Controls(canvas, this.camera, {
      steer: (dx, dy) => void this.#steer(dx, dy),
      strike: () => this.#strike(),
      choose: (x, y) => (this.link.player === null ? this.#choose(x, y) : this.#strike()),
      follow: () => this.#choose(this.#controls.pointerX, this.#controls.pointerY, Number.POSITIVE_INFINITY),
      overlay: () => this.#network.toggleCells(),
      release: () => this.#release(),
      panned: () => {
        this.#followed = 0;
      },
    });
    const address = new URL("ws", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    address.search = "";
    const zone = new URLSearchParams(location.search).get("zone") ?? undefined;
    this.link = new Link(address.href, zone, {
      opened: (connection) => this.#opened(connection),
      told: (name, data) => this.#panel.told(name, data),
      moved: ({ you }) => {
        if (you !== 0) this.#followed = you;
      },
      notice: (text) => this.#panel.notice(text),
    });
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) return;
      this.#controls.releaseKeys();
      this.link.rest();
    });
  }

  start(): void {
    this.#panel.notice("Connecting ...");
    this.#panel.poll();
    void this.link.run();
    const frame = (nowMs: number): void => {
      requestAnimationFrame(frame);
      this.#frame(nowMs);
    };
    requestAnimationFrame(frame);
  }

  #opened(connection: Connection): void {
    const { name, width, height, gates } = connection.zone;
    const { player } = this.link;
    this.#look = new Look(connection.zone);
    this.#gates.show(gates);
    this.#panel.watch(connection, this.#look);
    this.#followed = player?.you ?? 0;
    this.#jumps = player !== null;
    if (this.#placedIn !== name && player === null) {
      const fit = Math.min(this.camera.width / width, this.camera.height / height);
      this.camera.look(width / 2, height / 2, Math.max(fit, START_ZOOM_MIN));
    }
    this.#placedIn = name;
    void this.#loadMap(name);
  }

  async #loadMap(zone: string): Promise<void> {
    try {
      const map = new MapLayer(await TileMap.load(zone));
      // It may have gone on meanwhile.
      if (this.#placedIn !== zone) return map.destroy();
      this.#map?.destroy();
      this.#map = map;
      this.#world.addChildAt(map.container, 0);
    } catch (error) {
      this.#panel.notice(String(error));
    }
  }

  #frame(nowMs: number): void {
    const startMs = performance.now();
    const seconds = Math.min(FRAME_SECONDS_MAX, Math.max(0, (nowMs - this.#lastMs) / 1000));
    this.#lastMs = nowMs;
    this.#resize();
    const { camera, link } = this;
    const connection = link.connection;
    if (connection !== null) {
      connection.interpolate(nowMs);
      this.ownPlace.update(connection, link.player, this.#controls.dx, this.#controls.dy, nowMs);
      this.#follow(connection, seconds);
    }
    camera.update(seconds);
    if (connection !== null) {
      link.look(camera.visible, nowMs);
      this.#entities.update(connection.tracks, connection.tick, this.#look, camera.zoom * camera.pixelRatio);
      this.bars.update(connection.tracks, connection.tick, this.#look, camera.zoom);
    }
    this.#map?.update(camera);
    this.#world.scale.set(camera.zoom);
    this.#world.position.set(camera.width / 2 - camera.x * camera.zoom, camera.height / 2 - camera.y * camera.zoom);
    this.#renderer.render(this.#world);
    this.overlay.update(camera, connection, link.player);
    this.#network.frame(nowMs, connection, link.player);
    this.#panel.frame(nowMs, performance.now() - startMs, link.player);
  }

  #resize(): void {
    const { camera } = this;
    const [width, height, ratio] = [innerWidth, innerHeight, devicePixelRatio];
    if (camera.width === width && camera.height === height && camera.pixelRatio === ratio) return;
    camera.width = width;
    camera.height = height;
    camera.pixelRatio = ratio;
    this.#renderer.resize(width, height, ratio);
  }

  #follow({ tracks, zone }: Connection, seconds: number): void {
    const player = this.link.player;
    if (this.#jumps && player?.own && player.zone.name === zone.name) {
      this.camera.look(player.own.x, player.own.y, this.camera.zoom);
      this.#jumps = false;
    }
    const index = this.#followed === 0 ? -1 : tracks.indexOf(this.#followed);
    this.#ring.visible = index >= 0;
    if (index >= 0) {
      const [x, y] = [tracks.x[index]!, tracks.y[index]!];
      this.camera.follow(x, y, seconds);
      this.#ring.position.set(x, y);
      this.#ring.scale.set(Math.max(1.7 * RADIUS, 7 / this.camera.zoom) / 100);
      return;
    }
    // A player who entered somewhere that the camera does not see.
    const own = player !== null && player.you === this.#followed ? (player.predicted ?? player.own) : null;
    if (own !== null) this.camera.follow(own.x, own.y, seconds);
  }

  /** Follows what is nearest to a point of the screen, if it is within reach. */
  #choose(screenX: number, screenY: number, reachPixels = PICK_PIXELS): void {
    const tracks = this.link.connection?.tracks;
    if (tracks === undefined) return;
    const [x, y] = [this.camera.worldX(screenX), this.camera.worldY(screenY)];
    let nearest = (Math.max(reachPixels, RADIUS * this.camera.zoom) / this.camera.zoom) ** 2;
    let id = 0;
    for (let i = 0; i < tracks.count; i++) {
      const distance = (tracks.x[i]! - x) ** 2 + (tracks.y[i]! - y) ** 2;
      if (distance >= nearest) continue;
      nearest = distance;
      id = tracks.ids[i]!;
    }
    this.#followed = id;
  }

  /** The first step joins. */
  async #steer(dx: number, dy: number): Promise<void> {
    if (this.link.player !== null) {
      this.#followed = this.link.player.you;
      this.link.player.input({ dx, dy });
    } else if (dx !== 0 || dy !== 0) {
      const player = await this.link.join("visitor");
      if (player === null) return;
      this.#followed = player.you;
      this.camera.zoomIn(PLAY_ZOOM);
      // The keys may have changed while it joined.
      player.input({ dx: this.#controls.dx, dy: this.#controls.dy });
    }
  }

  #strike(): void {
    const { player } = this.link;
    const nowMs = performance.now();
    if (player === null || nowMs - this.#struckMs < STRIKE_MS_MIN) return;
    this.#struckMs = nowMs;
    this.#followed = player.you;
    player.input({ dx: this.#controls.dx, dy: this.#controls.dy, action: "attack" });
  }

  #release(): void {
    this.#followed = 0;
    this.link.leave();
  }
}

const canvas = document.querySelector("canvas");
if (canvas === null) throw new Error("the page has no canvas");
const renderer = new WebGLRenderer();
await renderer.init({ canvas, background: BACKDROP, antialias: false, autoDensity: false });
// The map's chunks are few and large: a draw call for each costs less than a shader that chooses among 16 textures at every
// pixel, which took 100 ms a frame where the graphics processor is emulated.
renderer.limits.maxBatchableTextures = 1;
const viewer = new Viewer(canvas, renderer);
viewer.start();
/** For the browser's console, and for tests. */
Object.assign(globalThis, { viewer });
