import { type PlotOptions, plot } from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { Html, html } from "./html.ts";

/** Colours are variables of the page (./style.ts), so that one drawing serves day, night and paper. */
export const INK = "var(--ink)";
export const FAINT = "var(--faint)";
export const ACCENT = "var(--accent)";
export const SERIES = ["var(--accent)", "var(--second)", "var(--third)", "var(--fourth)"];

/** Width of a drawing, in its own pixels; the page scales it. */
export const WIDTH = 480;

const { document } = parseHTML("<!doctype html><html></html>");

/** Draws a plot as SVG text. The label says for those who cannot see it what it shows. */
export function draw(label: string, options: PlotOptions): Html {
  const svg = plot({
    document,
    width: WIDTH,
    className: "plot",
    style: { fontFamily: "inherit", fontSize: "12px", background: "none", overflow: "visible" },
    ariaLabel: label,
    ...options,
  });
  svg.setAttribute("role", "img");
  for (const style of svg.querySelectorAll("style")) style.remove();
  // A tenth of a pixel is enough, at a third of the size.
  return new Html(
    svg.outerHTML.replace(/-?\d+\.\d{2,}/g, (number) => String(Number(Number(number).toFixed(1)))),
  );
}

/** A drawing with its title above and what it says in plain words below. */
export function figure(title: string, drawing: Html, caption: Html): Html {
  return html`<figure><h3>${title}</h3>${drawing}<figcaption>${caption}</figcaption></figure>`;
}
