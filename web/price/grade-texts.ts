import { CLARITIES, COLORS, CUTS } from "../../src/domain/diamond.ts";

/** What each grade means, for a reader who has never bought a diamond. */
const CUT_TEXTS: Record<(typeof CUTS)[number], string> = {
  Ideal: "Returns the most light of all cuts.",
  Premium: "Returns nearly as much light as Ideal.",
  "Very Good": "Returns most of the light, a little less than Premium.",
  Good: "Returns much of the light; some is lost at the sides or the bottom.",
  Fair: "Loses visible light at the sides or the bottom.",
};
const COLOR_TEXTS: Record<(typeof COLORS)[number], string> = {
  D: "Colourless: the highest grade.",
  E: "Colourless; only an expert sees a difference from D.",
  F: "Colourless; an expert sees traces of colour from the side.",
  G: "Near colourless: no colour is seen in a ring.",
  H: "Near colourless: a trace of warmth beside a D.",
  I: "Near colourless: a slight warmth beside a D.",
  J: "Near colourless: a faint warmth is seen beside a D.",
};
const CLARITY_TEXTS: Record<(typeof CLARITIES)[number], string> = {
  IF: "Internally flawless: nothing inside at tenfold magnification.",
  VVS1: "Minute inclusions, extremely hard to find at tenfold magnification.",
  VVS2: "Minute inclusions, very hard to find at tenfold magnification.",
  VS1: "Minor inclusions, hard to find at tenfold magnification.",
  VS2: "Minor inclusions, found with some effort at tenfold magnification.",
  SI1: "Inclusions that are noticed at tenfold magnification.",
  SI2: "Inclusions that are easily noticed at tenfold magnification.",
  I1: "Inclusions that may be seen with the naked eye.",
};

/** The controls for the grades: cut from worst to best, colour and clarity from best to worst, as jewellers list them. */
export const GRADE_CONTROLS = [
  { name: "cut", label: "Cut", grades: CUTS, texts: CUT_TEXTS as Record<string, string> },
  {
    name: "color",
    label: "Colour",
    grades: COLORS.toReversed(),
    texts: COLOR_TEXTS as Record<string, string>,
  },
  {
    name: "clarity",
    label: "Clarity",
    grades: CLARITIES.toReversed(),
    texts: CLARITY_TEXTS as Record<string, string>,
  },
] as const;
