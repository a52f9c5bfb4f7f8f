/**
 * SIGINT and SIGTERM as one promise. Caught as soon as the command is known, before anything of it is loaded, so that a server
 * that is told to stop while it starts does stop, with status 0. The second signal ends the process at once, with status 0 too.
 */
export function catchStop(): Promise<void> {
  return new Promise((resolve) => {
    let told = false;
    const stop = (): void => {
      if (told) process.exit(0);
      told = true;
      resolve();
    };
    process.on("SIGINT", stop);
    process.on("SIGTERM", stop);
  });
}
