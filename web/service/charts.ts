import { dot, lineY, type PlotOptions, rectY, text } from "@observablehq/plot";
import type { Schemas } from "../api/client.ts";
import { drawPlot } from "../components/plot.ts";
import { formatShare, WINDOWS, type Window } from "./format.ts";

type Monitoring = Schemas["Monitoring"];
type Period = Schemas["Period"];

/** A line has its name at its end, because a colour or a dash alone does not name it. */
interface Line {
  readonly name: string;
  readonly read: (period: Period) => number | null;
}

const STYLES = [
  { stroke: "var(--accent)", strokeDasharray: "none", fill: "var(--accent)" },
  { stroke: "var(--second)", strokeDasharray: "4 3", fill: "var(--paper)" },
] as const;

/** The size of a chart. service.css keeps its place free with the same ratio. */
const WIDTH = 300;
const HEIGHT = 180;
const MARGIN_BOTTOM = 26;
const MARGIN_TOP = 20;
const PLOT_HEIGHT = HEIGHT - MARGIN_BOTTOM - MARGIN_TOP;
const NAME_HEIGHT = 13;

/** Numbers of the axes, short: `800`, `1.2K`. */
const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });
const formatShort = (value: number) => short.format(value);
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });
const dayInUtc = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const TIME_FORMATS: Readonly<Record<Window, Intl.DateTimeFormat>> = {
  "24h": clock,
  "7d": day,
  "30d": dayInUtc,
};

/** Draws the number of requests in each period. */
export function drawRequests(monitoring: Monitoring): Element {
  const { periodMs } = WINDOWS[monitoring.window as Window];
  const bars = monitoring.periods.map(({ from, requests }) => ({
    from: new Date(from),
    to: new Date(Date.parse(from) + periodMs),
    requests,
  }));
  return draw("Number of requests by time", monitoring, {
    y: { tickFormat: formatShort, ticks: 4 },
    marks: [rectY(bars, { x1: "from", x2: "to", y: "requests", fill: "var(--accent)", inset: 0.5 })],
  });
}

/** Draws the fractions of the requests that failed and that were refused. */
export function drawErrors(monitoring: Monitoring): Element {
  const lines: [Line, Line] = [
    { name: "5xx", read: ({ errorShare }) => errorShare },
    { name: "4xx", read: ({ refusedShare }) => refusedShare },
  ];
  return drawLines("Share of failed and of refused requests by time", monitoring, lines, formatShare, 0.01);
}

/** Draws the durations that half and 95 % of the requests did not exceed. */
export function drawLatency(monitoring: Monitoring): Element {
  const lines: [Line, Line] = [
    { name: "p50", read: ({ latency }) => latency.p50 },
    { name: "p95", read: ({ latency }) => latency.p95 },
  ];
  return drawLines("Latency in milliseconds by time, p50 and p95", monitoring, lines, formatShort);
}

/** Draws the error against sale prices and the error to expect. */
export function drawLiveError(monitoring: Monitoring): Element {
  const lines: [Line, Line] = [
    { name: "live", read: ({ live }) => live.mae },
    { name: "expected", read: ({ expected }) => expected.mae },
  ];
  return drawLines(
    "Live and expected error in dollars by time",
    monitoring,
    lines,
    (value) => `$${formatShort(value)}`,
  );
}

/** @param minTop the smallest upper end of the y axis: if all values are 0, the axis would have no length */
function drawLines(
  label: string,
  monitoring: Monitoring,
  lines: readonly [Line, Line],
  tickFormat: (value: number) => string,
  minTop = 1,
): Element {
  const { periodMs } = WINDOWS[monitoring.window as Window];
  const drawn = lines.map(({ name, read }, i) => {
    const points = monitoring.periods.map((period) => ({
      at: new Date(Date.parse(period.from) + periodMs / 2),
      value: read(period),
    }));
    return {
      name,
      points,
      last: points.findLast(({ value }) => value !== null),
      ...(i === 0 ? STYLES[0] : STYLES[1]),
    };
  });
  const top = Math.max(minTop, ...drawn.flatMap(({ points }) => points.map(({ value }) => value ?? 0)));
  const [lower = 0, upper = 0] = drawn.map(({ last }) => last?.value ?? 0).sort((a, b) => a - b);
  const namesOverlap = Math.max(0, NAME_HEIGHT - ((upper - lower) / top) * PLOT_HEIGHT);
  const highest = drawn.findIndex(({ last }) => last?.value === upper);
  return draw(label, monitoring, {
    marginRight: 8 + 7 * Math.max(...lines.map(({ name }) => name.length)),
    y: { tickFormat, ticks: 4, domain: [0, top], nice: true },
    marks: drawn.flatMap(({ name, points, last, stroke, strokeDasharray, fill }, i) => [
      lineY(points, { x: "at", y: "value", strokeWidth: 1.75, stroke, strokeDasharray }),
      // A value between two periods without values is no line.
      dot(points, { x: "at", y: "value", r: 2, stroke, fill }),
      text(last ? [last] : [], {
        x: "at",
        y: "value",
        text: () => name,
        textAnchor: "start",
        dx: 6,
        dy: i === highest ? -namesOverlap : 0,
        fill: "currentColor",
      }),
    ]),
  });
}

function draw(label: string, { periods, window, since }: Monitoring, options: PlotOptions): Element {
  const { periodMs } = WINDOWS[window as Window];
  const end = Date.parse(periods.at(-1)?.from ?? since) + periodMs;
  return drawPlot(label, {
    width: WIDTH,
    height: HEIGHT,
    marginLeft: 46,
    marginTop: MARGIN_TOP,
    marginBottom: MARGIN_BOTTOM,
    inset: 0,
    ...options,
    // A day of the longest window is one in UTC.
    x: {
      type: window === "30d" ? "utc" : "time",
      domain: [new Date(since), new Date(end)],
      label: null,
      ticks: window === "30d" ? "2 weeks" : 3,
      tickFormat: (time: Date) => TIME_FORMATS[window as Window].format(time),
    },
    y: { label: null, grid: true, ...options.y },
  });
}
