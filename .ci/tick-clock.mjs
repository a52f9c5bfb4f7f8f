// For the games of bulk.mjs: the first zone tells, when a player asks for it, how long it had to wait at most from one tick to the next one,
// and how much of its process's time went by meanwhile: that tells what the process did itself from what the machine did.
export const REPORT = "report";

/** Milliseconds that all threads of the process were busy. */
const busyMs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** What of a game's definition it takes. zone: the name of the one that tells. */
export function tickClock(zone) {
  let lastMs = 0;
  let lastBusyMs = 0;
  let longestMs = 0;
  let busiestMs = 0;
  return {
    actions: [REPORT],
    input(world, player, { actionName }) {
      if (actionName !== REPORT) return;
      world.tell("gap", [longestMs, busiestMs], player);
      longestMs = busiestMs = 0;
    },
    systems: [
      {
        name: "clock",
        every: 1,
        run({ name }) {
          if (name !== zone) return;
          const nowMs = performance.now();
          const nowBusyMs = busyMs();
          if (lastMs > 0) {
            longestMs = Math.max(longestMs, nowMs - lastMs);
            busiestMs = Math.max(busiestMs, nowBusyMs - lastBusyMs);
          }
          lastMs = nowMs;
          lastBusyMs = nowBusyMs;
        },
      },
    ],
  };
}
