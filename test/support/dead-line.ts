/** A way to a server on loopback that can die: what is said on it is heard by nobody then, and nobody is told that it is closed. */
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export class Line {
  readonly port: number;
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #dead = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  static async to(port: number): Promise<Line> {
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const line = new Line(server);
    server.on("connection", (near) => {
      const far = connect(port, "127.0.0.1");
      line.#forward(near, far);
      line.#forward(far, near);
    });
    return line;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`;
  }

  /** Whatever goes over it by now is dead. Others may come. */
  die(): void {
    for (const socket of this.#open) {
      this.#dead.add(socket);
      socket.pause();
    }
  }

  /** What was said on the dead ones comes at last. */
  revive(): void {
    for (const socket of this.#dead) socket.resume();
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #forward(from: Socket, to: Socket): void {
    this.#open.add(from);
    from.on("data", (bytes) => to.write(bytes));
    from.on("error", () => {});
    from.on("close", () => {
      this.#open.delete(from);
      to.destroy();
    });
  }
}
