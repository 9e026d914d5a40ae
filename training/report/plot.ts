import { type PlotOptions, plot } from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { type Html, html, raw } from "./html.ts";

/** The colors are CSS variables of the page (style.ts). They differ in light mode, dark mode and print. */
export const INK = "var(--ink)";
export const FAINT = "var(--faint)";
export const ACCENT = "var(--accent)";
export const SERIES_COLORS = ["var(--accent)", "var(--second)", "var(--third)", "var(--fourth)"];

/** Width of a plot in its own pixels. The page scales it. */
export const PLOT_WIDTH_PX = 480;

const { document } = parseHTML("<!doctype html><html></html>");

/** Draws a plot as SVG. The label describes the plot for screen readers. */
export function drawPlot(label: string, options: PlotOptions): Html {
  const svg = plot({
    document,
    width: PLOT_WIDTH_PX,
    className: "plot",
    style: { fontFamily: "inherit", fontSize: "12px", background: "none", overflow: "visible" },
    ariaLabel: label,
    ...options,
  });
  svg.setAttribute("role", "img");
  for (const style of svg.querySelectorAll("style")) style.remove();
  // Coordinates are rounded to a tenth of a pixel. This reduces the size to a third. Texts stay as they are.
  const roundNumbers = (tag: string) =>
    tag.replace(/-?\d+\.\d{2,}/g, (number) => String(Number(Number(number).toFixed(1))));
  return raw(svg.outerHTML.replace(/<[^>]*>/g, roundNumbers));
}

/** Renders a plot with a title above and an explanation below. */
export function renderFigure(title: string, plotSvg: Html, caption: Html): Html {
  return html`<figure><h3>${title}</h3>${plotSvg}<figcaption>${caption}</figcaption></figure>`;
}
