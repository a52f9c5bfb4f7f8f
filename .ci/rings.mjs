// Sends many operations through each ring of src/sync, between 2, 3, 5 and 8 threads, under every policy: each record or message is
// checked to be whole, in its producer's order, and counted when it was lost; cursors pass 2^32 half way. No batching, but that a message
// ring commits 16 messages at a time. Prints operations a second: pushes, of which under the drop policies not all are read. Usage:
//
//     node .ci/rings.mjs [OPERATIONS = 100000000] [FILTER]
//
// 10^8 through each of 13 take some 5 minutes on 2 cores.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";

/** Records: 256 KiB of them, some 400 us of a consumer. */
const CAPACITY = 8192;
const RECORD_BYTES = 24;
const MESSAGE_BYTES = 2 ** 20;

const [count = 1e8, filter = ""] = [process.argv[2], process.argv[3]].map((text, i) =>
  i === 0 && text !== undefined ? Number(text) : text,
);
const folder = join(process.cwd(), "build", "rings");
mkdirSync(folder, { recursive: true });
await build({
  entryPoints: { thread: "test/sync.thread.ts", rings: "test/support/ring-threads.ts" },
  bundle: true,
  format: "esm",
  platform: "node",
  target: "es2022",
  outdir: folder,
  outExtension: { ".js": ".mjs" },
  logLevel: "warning",
});
const script = pathToFileURL(join(folder, "thread.mjs"));
const { runMessages, runRing } = await import(pathToFileURL(join(folder, "rings.mjs")));

const runs = [["messages, 2 threads", () => runMessages(script, MESSAGE_BYTES, count)]];
for (const policy of ["refuse", "drop-oldest", "drop-low"]) {
  for (const producers of [1, 2, 4, 7]) {
    const kind = producers === 1 ? "single" : "multi";
    const shape = { capacity: CAPACITY, recordBytes: RECORD_BYTES, policy, producers: kind };
    runs.push([`${policy}, ${kind}, ${producers + 1} threads`, () => runRing(script, shape, producers, count)]);
  }
}
for (const [name, run] of runs) {
  if (!name.includes(filter)) continue;
  const { pushed, read, lost, ms } = await run();
  const perSecond = (pushed / ms / 1000).toFixed(1);
  const share = ((100 * read) / pushed).toFixed(0);
  console.log(
    `${name}: ${pushed} in ${(ms / 1000).toFixed(1)} s, ${perSecond} M/s; ${share}% read, ${lost} lost and counted`,
  );
}
