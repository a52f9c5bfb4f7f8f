/**
 * What a player's own part, its events and its entity hold that is nobody else's: texts and numbers that follow from its name, and of which no other
 * bytes happen to be. And the search for them.
 */
import { Random } from "./random.js";

/** What is no secret. */
export const MOTTO = "walls have ears";

/** A secret's kind says how it is told: `xp`, `gold` and `readyAt` in snapshots, all others in messages of the state tree. */
export interface Secrets {
  /** Of the own part, from the join on. */
  readonly quest: string;
  readonly key: string;
  /** Of the own part, once there was something to whisper. */
  readonly count: number;
  /** Of an event for one player. */
  readonly whisper: string;
  readonly amount: number;
  /** Of the own entity, from the join on. */
  readonly xp: number;
  /** Of the own entity, once there was something to whisper. */
  readonly gold: number;
  readonly readyAt: number;
}

export function secretsOf(name: string): Secrets {
  const random = new Random([...name].reduce((seed, letter) => Math.imul(seed, 31) + letter.charCodeAt(0), 7));
  // From 2^30 to 2^31: 5 bytes in MessagePack and as a varint, 10 digits in JSON; and gates let through who has so much gold.
  const number = (): number => (random.next() >>> 2) | 0x4000_0000;
  const text = (): string => number().toString(36) + number().toString(36) + number().toString(36);
  return {
    ...{ quest: text(), key: text(), count: number(), whisper: text(), amount: number() },
    ...{ xp: number(), gold: number(), readyAt: number() },
  };
}

const decimal = (value: number): Buffer => Buffer.from(String(value));

function packed(value: number): Buffer {
  const bytes = Buffer.of(0xce, 0, 0, 0, 0);
  bytes.writeUInt32BE(value, 1);
  return bytes;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 127) | 128);
  }
}

/** The ways in which a secret may stand in bytes. */
function formsOf(secret: string | number): Buffer[] {
  return typeof secret === "string" ? [Buffer.from(secret)] : [decimal(secret), packed(secret), varint(secret)];
}

/** The kinds of a player's secrets that stand in these bytes, in any form. */
export function foundIn(bytes: Buffer, name: string): string[] {
  return Object.entries(secretsOf(name))
    .filter(([, secret]) => formsOf(secret).some((form) => bytes.includes(form)))
    .map(([kind]) => kind);
}

/** Those that stand there in the form that this connection has for them. */
export function toldIn(bytes: Buffer, name: string, { format, state }: { format: string; state: string }): string[] {
  return Object.entries(secretsOf(name))
    .filter(([kind, secret]) => {
      if (typeof secret === "string") return bytes.includes(secret);
      const isOfEntity = ["xp", "gold", "readyAt"].includes(kind);
      const form = isOfEntity && format === "binary" ? varint : !isOfEntity && state === "msgpack" ? packed : decimal;
      return bytes.includes(form(secret));
    })
    .map(([kind]) => kind);
}
