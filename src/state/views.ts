/**
 * A node of a state tree as the game sees it: an object that can be read, written, looped over and turned to JSON as any, and notes what is
 * changed. What was not declared, and what an object has beside its values, is refused where it is written.
 */
import { GyreError } from "../errors.js";
import { type Item, noField, pathOf, RecordNode, TableNode } from "./tree.js";

/** What a proxy stands before: nothing is ever kept in it. */
const target = (): object => Object.create(null) as object;

function shownAs(item: Item | undefined): unknown {
  return item instanceof RecordNode || item instanceof TableNode ? item.view : item;
}

function described(value: unknown): PropertyDescriptor | undefined {
  return value === undefined ? undefined : { value, writable: true, enumerable: true, configurable: true };
}

export function recordView(node: RecordNode): object {
  const { shape } = node;
  const read = (name: string | symbol): unknown => {
    const index = typeof name === "string" ? shape.indexOf.get(name) : undefined;
    return index === undefined ? undefined : shownAs(node.items[index]);
  };
  return new Proxy(target(), {
    get: (_, name) => read(name),
    has: (_, name) => typeof name === "string" && shape.indexOf.has(name),
    ownKeys: () => [...shape.names],
    getOwnPropertyDescriptor: (_, name) => described(read(name)),
    set(_, name, value) {
      const index = typeof name === "string" ? shape.indexOf.get(name) : undefined;
      if (index === undefined) throw noField(node, String(name));
      node.assign(index, value);
      return true;
    },
    deleteProperty(_, name) {
      throw new GyreError(
        "BAD_ARGUMENT",
        `${pathOf(node, String(name))} is no entry of a table, and cannot be deleted`,
      );
    },
    ...refused(node),
  });
}

export function tableView(node: TableNode): object {
  const read = (key: string | symbol): unknown => (typeof key === "string" ? shownAs(node.items.get(key)) : undefined);
  return new Proxy(target(), {
    get: (_, key) => read(key),
    has: (_, key) => typeof key === "string" && node.items.has(key),
    ownKeys: () => [...node.items.keys()],
    getOwnPropertyDescriptor: (_, key) => described(read(key)),
    set(_, key, value) {
      if (typeof key !== "string") throw new GyreError("BAD_ARGUMENT", `a key of ${pathOf(node)} is a symbol`);
      node.assign(key, value);
      return true;
    },
    deleteProperty(_, key) {
      if (typeof key === "string") node.remove(key);
      return true;
    },
    ...refused(node),
  });
}

function refused(node: RecordNode | TableNode): ProxyHandler<object> {
  const refuse = (): never => {
    throw new GyreError("BAD_ARGUMENT", `${pathOf(node)} takes assignments and nothing else`);
  };
  return { defineProperty: refuse, setPrototypeOf: refuse, preventExtensions: refuse };
}
