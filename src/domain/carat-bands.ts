/** The carat bands `[from, to)` of the metrics. The bounds are the weights at which market prices jump. */
export const CARAT_BANDS = [
  { name: "0-0.5", from: 0, to: 0.5 },
  { name: "0.5-1", from: 0.5, to: 1 },
  { name: "1-1.5", from: 1, to: 1.5 },
  { name: "1.5-2", from: 1.5, to: 2 },
  { name: "2+", from: 2, to: Number.POSITIVE_INFINITY },
] as const;

export function findCaratBand(carat: number): (typeof CARAT_BANDS)[number]["name"] {
  return CARAT_BANDS.find((band) => carat < band.to)?.name ?? "2+";
}
