import { CLARITIES, COLORS } from "../../src/domain/diamond.ts";
import { parseNumber, type StoneForm } from "./stone-form.ts";

/** A round stone of one carat with usual proportions. The width grows with the cube root of the weight. */
const WIDTH_OF_ONE_CARAT_MM = 6.45;
const TYPICAL_DEPTH_PERCENT = 61.8;
const TYPICAL_TABLE_PERCENT = 57;
const MAX_WIDTH_MM = 16;
/** Stones up to 10 mm are drawn at the same scale, so a heavier stone looks larger. */
const VIEW_WIDTH_MM = 23;

/** Where inclusions are drawn: fractions of the radius, the most visible first. */
const INCLUSIONS = [
  [0.05, -0.12],
  [-0.4, 0.3],
  [0.45, 0.35],
  [-0.25, -0.5],
  [0.3, -0.55],
  [-0.62, -0.1],
  [0.05, 0.6],
] as const;

/** Inclusions of a grade: their number and their size. */
function listInclusions(grade: string): { x: number; y: number; r: number }[] {
  const steps = CLARITIES.length - 1 - (CLARITIES as readonly string[]).indexOf(grade);
  return INCLUSIONS.slice(0, Math.max(steps, 0)).map(([x, y]) => ({ x, y, r: 0.018 * steps }));
}

/** What a loupe shows, as a small picture. */
export function ClarityPicture({ grade }: { grade: string }) {
  return (
    <svg viewBox="-1.1 -1.1 2.2 2.2" width="20" height="20" aria-hidden="true">
      <circle r="1" class="outline" />
      {listInclusions(grade).map(({ x, y, r }) => (
        <circle key={x} cx={x} cy={y} r={r} class="inclusion" />
      ))}
    </svg>
  );
}

/** The stone from the top and from the side, to scale with a rule of 10 mm. Missing values are usual ones. */
export function StoneDrawing({ form }: { form: StoneForm }) {
  const carat = parseNumber(form.carat);
  const number = (name: "depth" | "table" | "x" | "y" | "z") => parseNumber(form[name]) || undefined;
  const width = number("x") ?? number("y") ?? WIDTH_OF_ONE_CARAT_MM * Math.cbrt(carat > 0 ? carat : 1);
  const w = Math.min(width, MAX_WIDTH_MM);
  const depth = number("depth") ?? TYPICAL_DEPTH_PERCENT;
  const h = Math.min(number("z") ?? (w * depth) / 100, MAX_WIDTH_MM);
  const t = Math.min(((number("table") ?? TYPICAL_TABLE_PERCENT) / 100) * w, w);
  const r = w / 2;
  const crown = h * 0.25;
  const octagon = Array.from({ length: 8 }, (_, i) => {
    const angle = ((i + 0.5) * Math.PI) / 4;
    return [Math.cos(angle), Math.sin(angle)] as const;
  });
  const points = octagon.map(([x, y]) => `${(x * t) / 2},${(y * t) / 2}`).join(" ");
  const color = (COLORS as readonly string[]).indexOf(form.color);
  return (
    <figure class="drawing">
      <svg
        viewBox={`${-r - 0.2} ${-r - 0.2} ${Math.max(2 * w + 3, VIEW_WIDTH_MM)} ${w + 2}`}
        class={`tint-${COLORS[color] ?? "D"}`}
        role="img"
        aria-label={`The stone from the top and the side: ${w.toFixed(1)} mm wide, ${h.toFixed(1)} mm high`}
      >
        <circle r={r} class="body" />
        <polygon points={points} class="facets" />
        {octagon.map(([x, y]) => (
          <line key={`${x}`} x1={(x * t) / 2} y1={(y * t) / 2} x2={x * r} y2={y * r} class="facets" />
        ))}
        {listInclusions(form.clarity).map((spot) => (
          <circle key={spot.x} cx={spot.x * r} cy={spot.y * r} r={spot.r * r * 0.6} class="inclusion" />
        ))}
        <g transform={`translate(${w + 2} ${-h / 2})`}>
          <path
            class="body"
            d={`M${-t / 2} 0 H${t / 2} L${r} ${crown} L0 ${h} L${-r} ${crown} Z M${-r} ${crown} H${r}`}
          />
        </g>
        <path class="rule" d={`M${-r} ${r + 1} h10 m-10 -0.3 v0.6 m10 -0.6 v0.6`} />
      </svg>
      <figcaption class="small muted">About {w.toFixed(1)} mm wide. The rule is 10 mm long.</figcaption>
    </figure>
  );
}
