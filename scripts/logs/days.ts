/** Days of the log, counted from 1970, in UTC. */
import { DAY_MS, toDay } from "../../src/lib/time.ts";

/** Days from the first one on and before the last one. */
export interface DayRange {
  readonly from: number;
  readonly before: number;
}

/** The day as `2026-11-01`. */
export function formatDay(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** The name of the folder of a day, as Hive, Spark and Athena read it. */
export const toFolderName = (day: number): string => `day=${formatDay(day)}`;

/** The day of such a folder; null for another name. */
export function parseFolderName(name: string): number | null {
  const [, date] = /^day=(\d{4}-\d{2}-\d{2})$/.exec(name) ?? [];
  const at = Date.parse(`${date}T00:00:00Z`);
  return Number.isNaN(at) ? null : toDay(at);
}
