/** The module that a scheduler's tasks are in: imported by every thread, which must find the same tasks in it. */
import { GyreError } from "../errors.js";
import { isTask } from "./task.js";
import type { Task } from "./types.js";

/** The tasks by name: the one that they were given, else that of the export. Throws BAD_ARGUMENT. */
export async function importTasks(module: string): Promise<Map<string, Task>> {
  const found = new Map<string, Task>();
  for (const [exported, value] of Object.entries(await importModule(module))) {
    if (!isTask(value)) continue;
    const name = value.taskName ?? exported;
    if ((found.get(name) ?? value) !== value) throw new GyreError("BAD_ARGUMENT", `${module} has two tasks ${name}`);
    found.set(name, value);
  }
  if (found.size === 0) throw new GyreError("BAD_ARGUMENT", `${module} exports no task of this copy of gyre`);
  return found;
}

async function importModule(module: string): Promise<object> {
  try {
    return (await import(module)) as object;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw Object.assign(new GyreError("BAD_ARGUMENT", `${module} cannot be imported: ${reason}`), { cause: error });
  }
}

/** The same tasks in the order of these names. */
export async function tasksOf(module: string, names: readonly string[]): Promise<Task[]> {
  const found = await importTasks(module);
  return names.map((name) => {
    const task = found.get(name);
    if (task === undefined) throw new GyreError("BAD_ARGUMENT", `${module} exports ${name} on thread 0 only`);
    return task;
  });
}
