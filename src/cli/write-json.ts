/** What a command's --json says where to write. */
import { writeFile } from "node:fs/promises";
import { GyreError } from "../errors.js";

/** Writes the value to a file, or for `-` to stdout. Throws FILE_UNREADABLE when it cannot. */
export async function writeJson(file: string, value: object): Promise<void> {
  const text = `${JSON.stringify(value, null, 2)}\n`;
  if (file === "-") {
    process.stdout.write(text);
    return;
  }
  try {
    await writeFile(file, text);
  } catch (error) {
    throw new GyreError("FILE_UNREADABLE", `cannot write ${file}: ${(error as NodeJS.ErrnoException).code ?? error}`);
  }
}
