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

/** US dollars: `$4,785`. */
export const formatDollars = (amount: number): string => dollars.format(amount);
/** A difference in US dollars: `+$410`. */
export const formatDifference = (amount: number): string => signedDollars.format(amount);
/** A fraction as a percentage: `83%`. */
export const formatPercent = (fraction: number): string => percent.format(fraction);
