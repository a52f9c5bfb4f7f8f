import { Zone } from "./layout";
export function flowRequest(zone: Zone, x: f32, y: f32, halfSize: f32, reach: u32): u32 {
  return 0;
}
export function flowSteer(zone: Zone, handle: u32, x: f32, y: f32, halfSize: f32): bool {
  return false;
}
