/** What of as-bind 0.8.2 is used here; its own types say nothing. */
declare module "as-bind/dist/as-bind.cjs.js" {
  /** A module that was instantiated, with what its custom section says about the types of its exports. */
  export interface AsBindInstance {
    /** The wasm exports; functions convert their arguments and results. */
    exports: Record<string, unknown>;
    /** Runtime id of a class by the compiler's internal name. */
    getTypeId(typeName: string): number;
  }

  export interface Converter {
    /** From a pointer to a value of its own. */
    ascToJs(instance: AsBindInstance, pointer: number, typeName: string): unknown;
    /** From a value to a pointer, not yet pinned. */
    jsToAsc(instance: AsBindInstance, value: never, typeName: string): number;
  }

  /** By the type's internal name. Shared by all instances. */
  export const converters: Map<string | RegExp, Converter>;
  export function instantiateSync(bytes: BufferSource, imports: WebAssembly.Imports): AsBindInstance;
}
