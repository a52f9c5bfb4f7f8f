// For esbuild: see wasm.d.ts.
import { readFileSync } from "node:fs";

/** An imported module file is a function that gives its bytes, which are decoded when it is called: of the builds one is asked for. */
export const wasm = {
  name: "wasm",
  setup: ({ onLoad }) =>
    onLoad({ filter: /\.wasm$/ }, ({ path }) => ({
      contents: `const text = "${readFileSync(path).toString("base64")}";
        export default () => typeof Buffer === "function"
          ? new Uint8Array(Buffer.from(text, "base64"))
          : Uint8Array.from(atob(text), (char) => char.charCodeAt(0));`,
      loader: "js",
    })),
};
