/**
 * What the network side counts. Plain numbers that only grow, written where things happen and read when somebody asks.
 */
import type { ErrorCode } from "../errors.js";
import { STREAM_COUNT } from "../kernel/streams.js";
import type { Tally } from "../protocol/composer.js";

export class NetCounters {
  sessionsOpened = 0;
  /** Payload bytes of WebSocket messages. */
  bytesIn = 0;
  bytesOut = 0;
  messagesIn = 0;
  snapshotsSent = 0;
  /** Snapshots that a session did not get because its last one was still on the way. */
  snapshotsSkipped = 0;
  /** Frames that were given up while they were composed, as the snapshot was written over: this thread was late. */
  snapshotsOvertaken = 0;
  /** Cells that clients found to differ from what the server said they were. */
  repairs = 0;
  /** Bytes of snapshots: blocks by stream, and what is beside them. */
  readonly tally: Tally = { blockBytes: new Float64Array(STREAM_COUNT), headBytes: 0 };
  /** Events of games to players. */
  eventsSent = 0;
  /** Those that were not sent, because a session had too many waiting, or did not read. */
  eventsDropped = 0;
  /** Messages of state trees, chunks of long ones counted each; and sessions that were too far behind, or missed one, and were told all anew. */
  stateSent = 0;
  stateResyncs = 0;
  /** Sessions that stopped answering. */
  vanished = 0;
  /** Messages refused, upgrades included, by error code. */
  readonly refused = new Map<ErrorCode, number>();
  /** Sessions closed by the server for cause, by WebSocket close code. */
  readonly closed = new Map<number, number>();

  refuse(code: ErrorCode): void {
    this.refused.set(code, (this.refused.get(code) ?? 0) + 1);
  }

  close(code: number): void {
    this.closed.set(code, (this.closed.get(code) ?? 0) + 1);
  }
}
