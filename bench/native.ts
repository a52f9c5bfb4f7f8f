/** Compiles native/distance.c when there is a gcc and the sources are there: the package as it is installed does not have them. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { arch } from "node:os";
import { join } from "node:path";
import type { Command } from "./runner.js";

const FLAGS = { "native-sse2": ["-O3", "-msse2"], "native-avx2": ["-O3", "-mavx2"] } as const;

export const NATIVE = Object.keys(FLAGS);

/** Does this processor have AVX2? Where nobody says, no. */
function hasAvx2(): boolean {
  return existsSync("/proc/cpuinfo") && /\bavx2\b/.test(readFileSync("/proc/cpuinfo", "utf8"));
}

/** The programs by variant, or in a line why there are none. */
export function compileNative(root: string): Record<string, string> | string {
  const source = join(root, "bench", "native", "distance.c");
  if (!existsSync(source)) return "bench/native/distance.c is not here";
  if (arch() !== "x64") return `they are for x64, this is ${arch()}`;
  const folder = join(root, "build", "native");
  mkdirSync(folder, { recursive: true });
  const programs: Record<string, string> = {};
  for (const [variant, flags] of Object.entries(FLAGS)) {
    if (variant === "native-avx2" && !hasAvx2()) continue;
    const program = join(folder, variant);
    const { error, status, stderr } = spawnSync("gcc", [...flags, "-o", program, source], { encoding: "utf8" });
    if (error !== undefined) return "there is no gcc";
    if (status !== 0) return `gcc failed: ${stderr.trim().split("\n")[0]}`;
    programs[variant] = program;
  }
  return programs;
}

export function nativeCommand(program: string, n: number): Command {
  return { program, args: [String(n)] };
}
