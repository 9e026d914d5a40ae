import { type DescribedOperation, type DescribedSchemas, readExampleCall } from "./call.ts";
import { formatCurl } from "./curl.ts";
import { formatPython } from "./python.ts";
import { formatTypeScript } from "./typescript.ts";

/** Stands for the address of the server in the examples. The document has the address that was asked instead. */
export const SERVER_PLACE = "https://server.invalid";

interface DescribedDocument {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components?: { readonly schemas?: unknown };
}

const LANGUAGES = [
  ["Shell", "curl", formatCurl],
  ["TypeScript", "TypeScript", formatTypeScript],
  ["Python", "Python", formatPython],
] as const;

/**
 * Adds runnable examples to each operation of an OpenAPI document: `x-codeSamples`, which Redocly and other
 * tools show too. A key is read from the variable `FACET_KEY`, and only if the operation needs one.
 */
export function addCodeSamples<Document extends DescribedDocument>(document: Document): Document {
  const schemas = (document.components?.schemas ?? {}) as DescribedSchemas;
  const addToPath = (path: string, methods: Readonly<Record<string, unknown>>) =>
    Object.entries(methods).map(([method, operation]) => {
      const call = readExampleCall(method, path, operation as DescribedOperation, schemas);
      const samples = LANGUAGES.map(([lang, label, format]) => ({
        lang,
        label,
        source: format(call, SERVER_PLACE),
      }));
      return [method, { ...(operation as object), "x-codeSamples": samples }];
    });
  const paths = Object.entries(document.paths ?? {}).map(([path, methods]) => [
    path,
    Object.fromEntries(addToPath(path, methods)),
  ]);
  return { ...document, paths: Object.fromEntries(paths) };
}
