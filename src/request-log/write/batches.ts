import type { RequestRecord } from "../../db/request-log/requests.ts";

/** D1 takes parameters up to 2 MB, and one character of a body can be six of JSON: mostly it is one. */
const MOST_CHARACTERS = 400_000;

/** Parts of which each fits one statement, in the same order; a record that is larger is a part by itself. */
export function* toBatches<Item>(
  items: readonly Item[],
  recordOf: (item: Item) => Pick<RequestRecord, "requestBody" | "responseBody">,
): Generator<Item[]> {
  let part: Item[] = [];
  let characters = 0;
  for (const item of items) {
    const { requestBody, responseBody } = recordOf(item);
    const more = (requestBody?.length ?? 0) + (responseBody?.length ?? 0);
    if (part.length > 0 && characters + more > MOST_CHARACTERS) {
      yield part;
      part = [];
      characters = 0;
    }
    part.push(item);
    characters += more;
  }
  if (part.length > 0) yield part;
}
