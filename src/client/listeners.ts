/** Who wants to hear of what: sets of functions by the event's name. Telling allocates nothing but what the call passes on. */
type Handlers<E> = { [K in keyof E]: (...args: never[]) => void };

export class Listeners<E extends Handlers<E>> {
  readonly #byEvent = new Map<keyof E, Set<E[keyof E]>>();

  /** Returns a function that ends it. */
  add<K extends keyof E>(event: K, listener: E[K]): () => void {
    let listeners = this.#byEvent.get(event);
    if (listeners === undefined) {
      listeners = new Set();
      this.#byEvent.set(event, listeners);
    }
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }

  tell<K extends keyof E>(event: K, ...args: Parameters<E[K]>): void {
    const listeners = this.#byEvent.get(event);
    if (listeners === undefined) return;
    for (const listener of listeners) (listener as (...args: Parameters<E[K]>) => void)(...args);
  }
}
