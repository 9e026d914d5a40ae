import { formatDollars } from "../../src/lib/format.ts";

/** Formats an amount in US dollars. Amounts of $1,000 and more have no decimals. */
export function formatCompactDollars(value: number): string {
  return formatDollars(value, Math.abs(value) < 1000 ? 1 : 0);
}

export function formatCount(value: number): string {
  return value.toLocaleString("en-US");
}

/** Formats a fraction as a percentage. */
export function formatPercent(fraction: number, digits = 1): string {
  return `${(100 * fraction).toFixed(digits)} %`;
}

/** Formats a relative change with its sign: `−3.2 %`. */
export function formatChange(fraction: number): string {
  const text = formatPercent(Math.abs(fraction));
  if (text === formatPercent(0)) return "±0 %";
  return `${fraction < 0 ? "−" : "+"}${text}`;
}

export function formatDuration(seconds: number): string {
  if (seconds < 90) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

export function formatBytes(bytes: number): string {
  return bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

/** Formats a time in UTC: `24 November 2026, 02:47 UTC`. */
export function formatTime(iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const day = date.toLocaleDateString("en-GB", {
    day: "numeric",
    month: "long",
    year: "numeric",
    timeZone: "UTC",
  });
  return `${day}, ${date.toISOString().slice(11, 16)} UTC`;
}

const COLUMN_NAMES: Readonly<Record<string, string>> = {
  carat: "weight (carat)",
  color: "colour",
  table: "table width, %",
  x: "length (x)",
  y: "width (y)",
  z: "depth (z)",
  depth: "depth, %",
};

/** Returns the name that jewellers use for a column. */
export function formatColumnName(column: string): string {
  return COLUMN_NAMES[column] ?? column;
}

/** Formats a value of any type on one line. */
export function formatSetting(value: unknown): string {
  if (Array.isArray(value)) return value.length > 0 ? value.map(formatSetting).join(", ") : "none";
  if (typeof value === "number") return String(Number(value.toPrecision(5)));
  if (typeof value === "string" || typeof value === "boolean") return String(value);
  if (value === null || value === undefined) return "none";
  return Object.entries(value)
    .map(([key, part]) => `${formatSettingName(key)} ${formatSetting(part)}`)
    .join(", ");
}

/** Formats the name of a setting: `minChildWeight` becomes `min child weight`. */
export function formatSettingName(key: string): string {
  return key.replace(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase();
}
