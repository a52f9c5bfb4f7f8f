// Runs the built tests, a process a file, as many at a time as there are cores: `node test/run.mjs [PATTERN]`. Beside them, one after the other,
// those whose source has a line `// waits`, which need half a core or so: they wait for processes and clocks. What took longest last
// time begins first, and before the first time those with a line `// slow`: what begins last shall not be what all others wait for. Prints
// what each says when it is done, and the totals; the exit status is 1 when any failed.
import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";

const FOLDER = "build/test";
const TIMES = `${FOLDER}/times.json`;
/** More at a time would take each other's cores in tests that have threads of their own. */
const PROCESSES_MAX = 4;

/** Milliseconds that are expected of a slow file of which nothing is known. */
const SLOW_MS = 20_000;
/** Milliseconds for one file, several times what the longest takes: what hangs fails. */
const FILE_MS_MAX = 300_000;
/** Milliseconds for the rest of what it said to arrive. */
const LAST_WORDS_MS = 2000;

const uvu = fileURLToPath(new URL("../node_modules/uvu/bin.js", import.meta.url));
const wanted = new RegExp(process.argv[2] ?? "");
const times = existsSync(TIMES) ? JSON.parse(readFileSync(TIMES, "utf8")) : {};
const is = (word, name) =>
  new RegExp(`^// ${word}$`, "m").test(readFileSync(`test/${name.replace(/js$/, "ts")}`, "utf8"));
const names = readdirSync(FOLDER).filter((name) => name.endsWith(".test.js") && wanted.test(name));
const expected = new Map(names.map((name) => [name, times[name] ?? (is("slow", name) ? SLOW_MS : 0)]));
names.sort((a, b) => expected.get(b) - expected.get(a));
const idle = names.filter((name) => is("waits", name));
const busy = names.filter((name) => !idle.includes(name));
const totals = { Total: 0, Passed: 0, Skipped: 0 };
const began = performance.now();
let failed = names.length === 0;

function run(name) {
  const start = performance.now();
  const child = spawn(process.execPath, [...process.execArgv, uvu, FOLDER, `^${name.replaceAll(".", "\\.")}$`], {
    env: { FORCE_COLOR: process.stdout.isTTY ? "1" : "0", ...process.env },
    stdio: ["ignore", "pipe", "pipe"],
    timeout: FILE_MS_MAX,
    killSignal: "SIGKILL",
  });
  const chunks = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => chunks.push(chunk));
  return new Promise((resolve) => {
    // What it started and left behind may hold its output open for ever.
    child.on("exit", () => setTimeout(() => child.stdout.destroy() && child.stderr.destroy(), LAST_WORDS_MS).unref());
    child.on("close", (status) => {
      times[name] = Math.round(performance.now() - start);
      const text = Buffer.concat(chunks).toString();
      // biome-ignore lint/suspicious/noControlCharactersInRegex: colours.
      const plain = text.replace(/\x1b\[\d*m/g, "");
      for (const word of Object.keys(totals))
        totals[word] += Number(new RegExp(`^ *${word}: +(\\d+)`, "m").exec(plain)?.[1] ?? 0);
      failed ||= status !== 0;
      process.stdout.write(`${text.split(/\n[^\n]*Total:/)[0]}\n`);
      if (status !== 0) process.stdout.write(`${name} ended with status ${status}\n`);
      resolve();
    });
  });
}

async function work(waiting) {
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) await run(name);
}

const lanes = Array.from({ length: Math.min(PROCESSES_MAX, availableParallelism()) }, () => busy);
await Promise.all([...lanes, idle].map(work));
writeFileSync(TIMES, JSON.stringify(times));
for (const [word, count] of Object.entries(totals)) console.log(`  ${`${word}:`.padEnd(10)} ${count}`);
console.log(`  Duration:  ${(performance.now() - began).toFixed(0)}ms`);
process.exitCode = failed ? 1 : 0;
