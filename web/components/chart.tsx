import { useEffect, useRef } from "preact/hooks";

const DEFAULT_WIDTH = 460;

/**
 * Shows a drawing of the chart library, which is loaded after the rest of the page.
 * @param draw makes the drawing for a width in pixels; it is called again when it is another function
 */
export function Chart({
  draw,
  class: name = "",
}: {
  draw: (width: number) => Promise<Element>;
  class?: string;
}) {
  const container = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let isCurrent = true;
    draw(container.current?.clientWidth || DEFAULT_WIDTH)
      .then((drawing) => {
        if (isCurrent) container.current?.replaceChildren(drawing);
      })
      .catch(() => {
        if (isCurrent) container.current?.replaceChildren("The chart could not be loaded.");
      });
    return () => {
      isCurrent = false;
    };
  }, [draw]);
  return <div ref={container} class={`plot ${name}`} />;
}
