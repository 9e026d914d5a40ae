import type { paths } from "../api/client.ts";
import { formatCount } from "../components/format.ts";

type MonitoringQuery = NonNullable<paths["/v1/monitoring"]["get"]["parameters"]["query"]>;
export type Window = NonNullable<MonitoringQuery["window"]>;

const HOUR_MS = 3_600_000;

/** The windows of monitoring, and the length of their periods. */
export const WINDOWS: Readonly<Record<Window, { label: string; period: string; periodMs: number }>> = {
  "24h": { label: "24 hours", period: "hour", periodMs: HOUR_MS },
  "7d": { label: "7 days", period: "6 hours", periodMs: 6 * HOUR_MS },
  "30d": { label: "30 days", period: "day (UTC)", periodMs: 24 * HOUR_MS },
};

const share = new Intl.NumberFormat("en-US", { style: "percent", maximumSignificantDigits: 3 });
const shortMilliseconds = new Intl.NumberFormat("en-US", { maximumFractionDigits: 1 });
const second = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium" });
const shortSecond = new Intl.DateTimeFormat("en-GB", {
  day: "numeric",
  month: "short",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
});

/** A fraction of which small values matter: `0.012%`, `84.6%`. */
export const formatShare = (fraction: number): string => share.format(fraction);
/** A duration: `6.9 ms`, `1,200 ms`. */
export const formatMs = (ms: number): string =>
  `${ms < 10 ? shortMilliseconds.format(ms) : formatCount(ms)} ms`;
/** A number with its noun: `1 stone`, `2,000 stones`. */
export const formatNoun = (number: number, noun: string): string =>
  `${formatCount(number)} ${noun}${number === 1 ? "" : "s"}`;
/** A time of the API with seconds, in the time zone of the browser: `24 Nov 2026, 09:30:05`. */
export const formatSecond = (iso: string): string => second.format(new Date(iso));
/** The same without the year: `24 Nov, 09:30:05`. */
export const formatShortSecond = (iso: string): string => shortSecond.format(new Date(iso));
