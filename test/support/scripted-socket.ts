/** A socket whose other end is the test: what a client sends is kept, and the test says what it hears. */

type Handler<T> = ((event: T) => void) | null;

export class ScriptedSocket {
  /** The one that was made last. */
  static last: ScriptedSocket;
  binaryType = "";
  bufferedAmount = 0;
  onopen: Handler<unknown> = null;
  onmessage: Handler<{ data: unknown }> = null;
  onerror: Handler<{ message?: string }> = null;
  onclose: Handler<{ code: number; reason: string }> = null;
  readonly sent: Record<string, unknown>[] = [];
  readonly url: string;
  readonly protocol: string;
  closedWith = 0;

  constructor(url: string, protocol: string) {
    this.url = url;
    this.protocol = protocol;
    ScriptedSocket.last = this;
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(code = 1005): void {
    this.closedWith = code;
  }

  say(message: object): void {
    this.sayText(JSON.stringify(message));
  }

  sayText(data: string): void {
    this.onmessage?.({ data });
  }

  sayFrame(bytes: Uint8Array): void {
    this.onmessage?.({ data: bytes.slice().buffer });
  }
}

/** Once connect() has made its socket. */
export const opened = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

/** Once what came in the same turn as the welcome is handled. */
export const turned = (): Promise<void> => new Promise((resolve) => void setTimeout(resolve));
