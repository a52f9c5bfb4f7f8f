import { readFileSync } from "node:fs";

/** The package's version, from its manifest two folders above the built command. */
export function version(): string {
  const manifest: { version: string } = JSON.parse(
    readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
  );
  return manifest.version;
}
