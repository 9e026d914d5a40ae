/** Figures as the model card shows them. */

export function dollars(value: number): string {
  const digits = Math.abs(value) < 1000 ? 1 : 0;
  return `$${value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })}`;
}

export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** A fraction as percent. */
export function percent(fraction: number, digits = 1): string {
  return `${(100 * fraction).toFixed(digits)} %`;
}

/** A change with its sign: `−3.2 %`. */
export function change(fraction: number): string {
  const text = percent(Math.abs(fraction));
  if (text === percent(0)) return "±0 %";
  return `${fraction < 0 ? "−" : "+"}${text}`;
}

export function duration(seconds: number): string {
  if (seconds < 90) return `${seconds.toFixed(1)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

export function size(bytes: number): string {
  return bytes < 1024 * 1024 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 1024 / 1024).toFixed(1)} MiB`;
}

/** A time in UTC: `24 November 2026, 02:47 UTC`. */
export function time(iso: string): string {
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

const COLUMNS: Readonly<Record<string, string>> = {
  carat: "weight (carat)",
  color: "colour",
  table: "table width, %",
  x: "length (x)",
  y: "width (y)",
  z: "depth (z)",
  depth: "depth, %",
};

/** A column in a jeweller's words. */
export function columnName(column: string): string {
  return COLUMNS[column] ?? column;
}

/** A setting of any kind on one line: `minChildWeight` is `min child weight`. */
export function setting(value: unknown): string {
  if (Array.isArray(value)) return value.length > 0 ? value.map(setting).join(", ") : "none";
  if (typeof value === "number") return String(Number(value.toPrecision(5)));
  if (typeof value === "string" || typeof value === "boolean") return String(value);
  if (value === null || value === undefined) return "none";
  return Object.entries(value)
    .map(([key, part]) => `${settingName(key)} ${setting(part)}`)
    .join(", ");
}

export function settingName(key: string): string {
  return key.replace(/([a-z0-9])([A-Z])/g, "$1 $2").toLowerCase();
}
