import { type PlotOptions, plot } from "@observablehq/plot";

/** Draws a chart as one image with one label. */
export function drawPlot(label: string, options: PlotOptions & { width: number }): SVGElement | HTMLElement {
  const drawing = plot({
    height: 300,
    marginLeft: 60,
    marginBottom: 44,
    inset: 8,
    style: { background: "none", fontFamily: "inherit", fontSize: "12px" },
    ...options,
  });
  // The content security policy forbids style elements.
  for (const style of drawing.querySelectorAll("style")) style.remove();
  for (const part of drawing.querySelectorAll("[aria-label]")) part.removeAttribute("aria-label");
  drawing.setAttribute("role", "img");
  drawing.setAttribute("aria-label", label);
  return drawing;
}
