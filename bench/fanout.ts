/**
 * `fanout`: what does it cost to write a frame to each of n sockets? To all the same bytes, or to each its own, of 552 bytes.
 * Time is the sender's, from the first write to the moment when all are handed over, by the frame. The other ends are sockets on the
 * loopback interface in a process of their own, which count what arrives: everything must.
 *
 * | variant | one frame |
 * |---|---|
 * | gyre | as a session sends it |
 * | ws | `send` of the package, of a buffer that is there: a corked write of a head and one of the payload |
 * | frame | head and payload lie in one buffer, one `write`; to all the same buffer where the bytes are the same |
 * | cork | head, private part and the blocks as three writes, corked: one system call, and nothing is copied |
 * | writes | the same three, each by itself |
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { type WebSocket, WebSocketServer } from "ws";
import { gyreSender } from "./fanout-gyre.js";
import type { Counts } from "./fanout-sink.js";
import { type Contenders, HASH_START, mix, type Operation, type Params } from "./operation.js";

/** Bytes of a frame, and of its own part: more than most snapshots have. */
const PAYLOAD = 552;
const PRIVATE = 48;
/** Of a frame's head: a length of 126 to 65,535 bytes. */
const HEAD = 4;
const SINK = fileURLToPath(new URL("./fanout-sink.js", import.meta.url));

export type Flushed = () => void;

/** One end. */
export interface Peer {
  readonly client: WebSocket;
  readonly socket: Socket;
  /** HEAD bytes for a frame's head, then the payload. */
  readonly frame: Buffer<ArrayBuffer>;
}

/** Sends a peer what its buffer holds, and calls flushed once it is handed over. */
export type Send = (peer: Peer, flushed: Flushed) => void;

function writeHead(frame: Buffer): void {
  frame[0] = 0x82;
  frame[1] = 126;
  frame.writeUInt16BE(frame.length - HEAD, 2);
}

const SENDERS: Record<string, (peer: Peer) => Send> = {
  gyre: gyreSender,
  ws() {
    const options = { binary: true, compress: false };
    return ({ client, frame }, flushed) => client.send(frame.subarray(HEAD), options, flushed);
  },
  frame: () => (peer, flushed) => {
    writeHead(peer.frame);
    peer.socket.write(peer.frame, flushed);
  },
  cork: () => (peer, flushed) => {
    peer.socket.cork();
    writeParts(peer, flushed);
    peer.socket.uncork();
  },
  writes: () => writeParts,
};

function writeParts({ socket, frame }: Peer, flushed: Flushed): void {
  writeHead(frame);
  socket.write(frame.subarray(0, HEAD));
  socket.write(frame.subarray(HEAD, HEAD + PRIVATE));
  socket.write(frame.subarray(HEAD + PRIVATE), flushed);
}

export const FANOUT_VARIANTS = Object.keys(SENDERS);

async function operationOf(senderOf: (peer: Peer) => Send, { n, scenario }: Params): Promise<Operation> {
  const server = createServer();
  const upgrader = new WebSocketServer({ noServer: true, perMessageDeflate: false, clientTracking: false });
  const shared = Buffer.alloc(HEAD + PAYLOAD, 7);
  const peers: Peer[] = [];
  const complete = gather(server, upgrader, n, (client, socket) => {
    socket.setNoDelay(true);
    peers.push({ client, socket, frame: scenario === "same" ? shared : Buffer.alloc(HEAD + PAYLOAD, 7) });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const sink = fork(SINK, [String((server.address() as AddressInfo).port), String(n)]);
  await complete;

  const senders = peers.map((peer) => senderOf(peer));
  let counts: Counts = { frames: 0, bytes: 0, sum: 0 };
  let sent = 0;
  return {
    prepare(turn) {
      shared.writeUInt32LE(turn, HEAD);
      if (scenario === "same") return;
      for (let i = 0; i < n; i++) {
        peers[i]!.frame.writeUInt32LE(turn, HEAD);
        peers[i]!.frame.writeUInt32LE(i, HEAD + 4);
      }
    },
    run() {
      return new Promise((resolve) => {
        let open = n;
        const flushed = (): void => {
          if (--open === 0) resolve();
        };
        for (let i = 0; i < n; i++) senders[i]!(peers[i]!, flushed);
        sent += n;
      });
    },
    async settled() {
      do counts = await ask(sink);
      while (counts.frames < sent);
    },
    checksum: () => mix(mix(mix(HASH_START, counts.frames), counts.bytes), counts.sum) >>> 0,
    async close() {
      sink.kill();
      for (const { socket } of peers) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Resolves once n have come. */
function gather(
  server: Server,
  upgrader: WebSocketServer,
  n: number,
  open: (client: WebSocket, socket: Socket) => void,
): Promise<void> {
  return new Promise((resolve) => {
    let count = 0;
    server.on("upgrade", (request, socket, head) => {
      upgrader.handleUpgrade(request, socket, head, (client) => {
        client.on("error", () => {});
        open(client, socket as Socket);
        if (++count === n) resolve();
      });
    });
  });
}

async function ask(sink: ChildProcess): Promise<Counts> {
  sink.send("count");
  const [counts] = (await once(sink, "message")) as [Counts];
  return counts;
}

export const fanoutContenders: Contenders = Object.fromEntries(
  Object.entries(SENDERS).map(([name, senderOf]) => [name, (params: Params) => operationOf(senderOf, params)]),
);
