import leven from "leven";

/** Longer texts are no misspelling of anything, and their distance takes long to compute. */
const MAX_COMPARED_LENGTH = 40;

/** Ignores case, width of the characters, spaces, hyphens, underscores and dots: `very-good` is `Very Good`. */
function simplify(text: string): string {
  return text
    .normalize("NFKC")
    .toLowerCase()
    .trim()
    .replaceAll(/[\p{Zs}\-_.]/gu, "");
}

/** Other texts that mean a choice, by choice. */
export type Synonyms<Choice extends string> = Readonly<Partial<Record<Choice, readonly string[]>>>;

/** Finds the choice that a text spells, in any case and with any separators; undefined if there is none. */
export function findChoice<Choice extends string>(
  choices: readonly Choice[],
  text: string,
  synonyms?: Synonyms<Choice>,
): Choice | undefined {
  const exact = choices.find((choice) => choice === text);
  if (exact !== undefined || text.length > MAX_COMPARED_LENGTH) return exact;
  const typed = simplify(text);
  return choices.find((choice) =>
    [choice, ...(synonyms?.[choice] ?? [])].some((spelling) => simplify(spelling) === typed),
  );
}

/**
 * Finds the choice that the writer of a wrong text probably meant; undefined if none is near. Among choices
 * at the same edit distance, the one with the nearest characters wins: the colour K is nearest to J.
 */
export function findNearestChoice<Choice extends string>(
  choices: readonly Choice[],
  text: string,
): Choice | undefined {
  if (text.length > MAX_COMPARED_LENGTH) return undefined;
  const typed = simplify(text);
  const maxDistance = Math.max(1, Math.floor(typed.length / 2));
  const [nearest] = choices
    .map((choice) => {
      const spelled = simplify(choice);
      return { choice, distance: leven(typed, spelled), difference: sumDifferences(typed, spelled) };
    })
    .filter(({ distance }) => distance <= maxDistance)
    .sort((a, b) => a.distance - b.distance || a.difference - b.difference);
  return nearest?.choice;
}

/** The sum of the differences of the character codes; infinite for texts of different lengths. */
function sumDifferences(a: string, b: string): number {
  if (a.length !== b.length) return Number.MAX_SAFE_INTEGER;
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += Math.abs(a.charCodeAt(i) - b.charCodeAt(i));
  return sum;
}
