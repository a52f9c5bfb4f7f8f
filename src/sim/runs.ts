/**
 * A list of whole numbers that mostly count down by one, such as that of the seats which are free, in short: the first number of each run
 * and how long it is. Thousands of seats that nobody ever took are two numbers.
 */
export function packRuns(list: Uint32Array): number[] {
  const runs: number[] = [];
  for (let i = 0, from = 0; i < list.length; i++) {
    if (i + 1 < list.length && list[i + 1] === list[i]! - 1) continue;
    runs.push(list[from]!, i + 1 - from);
    from = i + 1;
  }
  return runs;
}

export function unpackRuns(runs: readonly number[]): number[] {
  const list: number[] = [];
  for (let i = 0; i + 1 < runs.length; i += 2) {
    for (let n = 0; n < runs[i + 1]!; n++) list.push(runs[i]! - n);
  }
  return list;
}
