/** Hands out consecutive stretches of one array, so that a record of several parts is laid out where they are made. */
export function carve(words: Float64Array): (count: number) => Float64Array {
  let at = 0;
  return (count) => {
    const from = at;
    at += count;
    return words.subarray(from, at);
  };
}
