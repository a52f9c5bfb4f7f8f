/** A WebSocket client that remembers what it was sent, and can be waited on. */
import WebSocket from "ws";
import { until } from "./until.js";

export interface Reply {
  readonly type: string;
  readonly [field: string]: unknown;
}

export class TestClient {
  readonly socket: WebSocket;
  readonly replies: Reply[] = [];
  readonly frames: Uint8Array[] = [];
  /** 0 while open. */
  closedWith = 0;
  /** HTTP status of a refused upgrade; 0 otherwise. */
  refusedWith = 0;

  /** query: such as ?format=json */
  constructor(url: string, protocols: string | string[] = "gyre.1") {
    this.socket = new WebSocket(url, protocols, { perMessageDeflate: false });
    this.socket.on("message", (data, isBinary) => {
      if (isBinary) this.frames.push(new Uint8Array(data as Buffer));
      else this.replies.push(JSON.parse(data.toString()));
    });
    this.socket.on("close", (code) => {
      this.closedWith = code;
    });
    this.socket.on("unexpected-response", (request, response) => {
      this.refusedWith = response.statusCode ?? 0;
      request.destroy();
    });
    this.socket.on("error", () => {});
  }

  static async open(url: string): Promise<TestClient> {
    const client = new TestClient(url);
    await until(`${url} is open`, () => client.socket.readyState !== WebSocket.CONNECTING);
    if (client.socket.readyState !== WebSocket.OPEN) throw new Error(`${url} did not open`);
    return client;
  }

  send(message: object): void {
    this.socket.send(JSON.stringify(message));
  }

  /** The first reply of this type that is not among the first `skip` of it. */
  async reply(type: string, skip = 0): Promise<Reply> {
    const found = (): Reply | undefined => this.replies.filter((reply) => reply.type === type)[skip];
    await until(`a ${type} comes`, () => found() !== undefined);
    return found() as Reply;
  }

  async closed(): Promise<number> {
    await until("the connection is closed", () => this.closedWith !== 0);
    return this.closedWith;
  }
}
