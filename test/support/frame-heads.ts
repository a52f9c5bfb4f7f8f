/** What the heads of a session's binary frames say, each of which tells how it differs from the one before. */
import { ByteReader, HAS_YOU, readFrameHead } from "../../src/protocol/frame.js";

export interface Head {
  readonly tick: number;
  readonly ack: number;
  readonly you: number;
}

/** Of all binary messages among those of one session, in order: another zone, or a resumed session, begins anew. */
export function headsOf(messages: readonly (string | Uint8Array)[]): Head[] {
  const heads: Head[] = [];
  const reader = new ByteReader();
  let zone = "";
  let last = { tick: 0, ack: 0, you: 0 };
  for (const message of messages) {
    if (typeof message === "string") {
      const text = JSON.parse(message) as { zone?: { name: string }; resumed?: boolean };
      if (text.zone === undefined) continue;
      if (text.zone.name !== zone || text.resumed === true) last = { tick: 0, ack: 0, you: 0 };
      zone = text.zone.name;
      continue;
    }
    reader.start(message);
    const next = { ...last };
    const flags = readFrameHead(reader, next);
    if (flags & HAS_YOU) next.you = reader.varint();
    last = next;
    heads.push(next);
  }
  return heads;
}
