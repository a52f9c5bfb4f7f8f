// A server of the build in a process of its own, and what it tells of itself: for the scripts beside this one.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { constants, setPriority } from "node:os";
import { createInterface } from "node:readline";

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Served {
  static async start(flags, { nodeFlags = [], env = {} } = {}) {
    const argv = [...nodeFlags, "build/js/cli.js", "serve", "--port", "0", "--json", ...flags];
    const child = spawn(process.execPath, argv, {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, ...env },
    });
    const ended = once(child, "exit");
    const lines = createInterface({ input: child.stdout });
    const first = await Promise.race([once(lines, "line"), ended.then(([status]) => [`ended with ${status}`])]);
    const served = new Served();
    Object.assign(served, { child, ended, listening: JSON.parse(first[0]) });
    return served;
  }

  /** This process gives way to the server where both want a core. Not before: the server would have the priority of the process that starts it. */
  giveWay() {
    setPriority(constants.priority.PRIORITY_LOW);
  }

  async stats() {
    return (await fetch(`${this.listening.http}/stats`)).json();
  }

  /** Values by their name and labels, as they stand in the text. */
  async metrics() {
    const answer = await fetch(`${this.listening.http}/metrics?zones=0`);
    const text = await answer.text();
    if (!answer.ok) throw new Error(`/metrics: ${answer.status} ${text}`);
    return new Map([...text.matchAll(/^(gyre_\S+) (\S+)$/gm)].map(([, name, value]) => [name, Number(value)]));
  }

  async ticksReach(tick) {
    while ((await this.stats()).tick < tick) await sleep(100);
  }

  /** Throws when it does not end cleanly. */
  async stop() {
    this.child.kill("SIGTERM");
    const [status] = await this.ended;
    if (status !== 0) throw new Error(`the server ended with ${status}`);
  }
}

/** The upper bound, in milliseconds, of the bucket in which the p-quantile of what was recorded between two readings lies. */
export function quantile(name, after, first, p) {
  const pattern = new RegExp(`^${name}_bucket\\{le="([^"]+)"\\}$`);
  const bounds = [];
  for (const [key, count] of after) {
    const bound = pattern.exec(key)?.[1];
    if (bound !== undefined)
      bounds.push([bound === "+Inf" ? Infinity : 1000 * Number(bound), count - (first.get(key) ?? 0)]);
  }
  bounds.sort(([a], [b]) => a - b);
  const all = bounds.at(-1)?.[1] ?? 0;
  return bounds.find(([, count]) => count >= p * all)?.[0] ?? 0;
}

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** What a command line of --name=NUMBER says, over these defaults. A name alone is 1. */
export function numbers(defaults) {
  const given = { ...defaults };
  for (const flag of process.argv.slice(2)) {
    const [, name, value = "1"] = /^--([a-z-]+)(?:=(\d+(?:\.\d+)?))?$/.exec(flag) ?? [];
    if (name === undefined || !Object.hasOwn(defaults, name)) {
      throw new Error(`${flag}: there is ${Object.keys(defaults).map((one) => `--${one}=NUMBER`)}`);
    }
    given[name] = Number(value);
  }
  return given;
}

/**
 * Says what was found. A limit that was missed ends the process with 1: of those that any machine holds always, of those of speed, which a
 * busy machine misses, with --check.
 */
export function conclude(limits, ofSpeed, check) {
  const holdsOr = (missed) => (limit) => {
    const [what, value, most] = limit;
    const holds = value <= most;
    console.log(`${holds ? "holds " : missed} ${what}: ${Number(value.toFixed(3))}, at most ${most}`);
    return holds;
  };
  const isRight = limits.map(holdsOr("MISSED")).every(Boolean);
  const isFast = ofSpeed.map(holdsOr(check ? "MISSED" : "slow  ")).every(Boolean);
  if (!isRight || (check && !isFast)) process.exitCode = 1;
}
