/** Tokens of sessions that a test can foretell. */
export function countedTokens(): () => string {
  let count = 0;
  return () => `token-${String(++count).padStart(16, "0")}`;
}
