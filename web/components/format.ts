const dollars = new Intl.NumberFormat("en-US", {
  style: "currency",
  currency: "USD",
  maximumFractionDigits: 0,
});
const signedDollars = new Intl.NumberFormat("en-US", {
  style: "currency",
  currency: "USD",
  maximumFractionDigits: 0,
  signDisplay: "exceptZero",
});
const percent = new Intl.NumberFormat("en-US", { style: "percent", maximumFractionDigits: 0 });

const signedPercent = new Intl.NumberFormat("en-US", {
  style: "percent",
  maximumFractionDigits: 0,
  signDisplay: "exceptZero",
});
const count = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const time = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

/** US dollars: `$4,785`. */
export const formatDollars = (amount: number): string => dollars.format(amount);
/** A difference in US dollars: `+$410`. */
export const formatDifference = (amount: number): string => signedDollars.format(amount);
/** A fraction as a percentage: `83%`. */
export const formatPercent = (fraction: number): string => percent.format(fraction);
/** A factor as the percentage that it adds: `-21%` for 0.79. */
export const formatPercentDifference = (factor: number): string => signedPercent.format(factor - 1);
/** A number of things: `10,784`. */
export const formatCount = (number: number): string => count.format(number);
/** A time of the API in the time zone of the browser: `24 Nov 2026, 09:30`. */
export const formatTime = (iso: string): string => time.format(new Date(iso));
