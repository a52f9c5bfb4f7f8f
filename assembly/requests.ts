// placeholder
import { Zone } from "./layout";
import { flowStep } from "./flow";

/** A tick's share of all that is searched over several. */
export function pathsStep(zone: Zone): void {
  flowStep(zone, zone.flowBudget);
}
