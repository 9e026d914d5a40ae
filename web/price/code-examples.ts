import { type StoneForm, toStone } from "./stone-form.ts";

function toUrl(form: StoneForm): string {
  return `${location.origin}/v1/predictions?explain=true&coverage=${form.coverage}`;
}

/** The call of the page as a command. No value can hold a quote: grades are from lists, the rest are numbers. */
export function toCurl(form: StoneForm): string {
  return `curl -s '${toUrl(form)}' \\\n  -H 'content-type: application/json' \\\n  -d '${JSON.stringify(toStone(form))}'`;
}

/** The call of the page as TypeScript. */
export function toTypeScript(form: StoneForm): string {
  return `const response = await fetch(${JSON.stringify(toUrl(form))}, {
  method: "POST",
  headers: { "content-type": "application/json" },
  body: JSON.stringify(${JSON.stringify(toStone(form))}),
});
const { price, range, explanation } = await response.json();
`;
}
