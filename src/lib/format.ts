/** Formats an amount in US dollars: `$1,234.5`. */
export function formatDollars(value: number, fractionDigits = 1): string {
  const amount = value.toLocaleString("en-US", {
    minimumFractionDigits: fractionDigits,
    maximumFractionDigits: fractionDigits,
  });
  return `$${amount}`;
}
