/** The parts of the OpenAPI document that an example of a call needs. */
export interface DescribedOperation {
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema: { readonly example?: unknown };
  }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: { readonly $ref?: string } }>>;
  };
  readonly responses: Readonly<Record<string, { readonly content?: object }>>;
  readonly security?: readonly object[];
}

/** The schemas of the document by name. A body has an example. */
export type DescribedSchemas = Readonly<Record<string, { readonly example?: unknown }>>;

/** A call of an operation with its examples: only what is required, so that it works on any server. */
export interface ExampleCall {
  /** In capitals. */
  readonly method: string;
  /** As in the document, such as `/v1/requests/{id}`. */
  readonly path: string;
  /** The values of the path, except an id. */
  readonly pathValues: Readonly<Record<string, unknown>>;
  /** An id that only the caller can know, and where it comes from; null if the path has none. */
  readonly id: { readonly value: string; readonly source: string } | null;
  readonly query: Readonly<Record<string, unknown>>;
  /** Undefined for a call without a body. */
  readonly body: unknown;
  readonly needsKey: boolean;
  /** Whether the answer is JSON, not text. */
  readonly isJson: boolean;
}

/** Reads the example of an operation from its own examples in the document. */
export function readExampleCall(
  method: string,
  path: string,
  operation: DescribedOperation,
  schemas: DescribedSchemas,
): ExampleCall {
  const { parameters = [], requestBody, responses, security = [] } = operation;
  const readExamples = (place: string) =>
    parameters
      .filter((parameter) => parameter.in === place && parameter.required)
      .map(({ name, schema }) => [name, schema.example] as const);
  const { id, ...pathValues } = Object.fromEntries(readExamples("path"));
  const source = parameters.find(({ name }) => name === "id")?.description ?? "";
  const bodyName = requestBody?.content["application/json"]?.schema.$ref?.split("/").at(-1) ?? "";
  const success = Object.entries(responses).find(([status]) => status.startsWith("2"))?.[1];
  return {
    method: method.toUpperCase(),
    path,
    pathValues,
    id: id === undefined ? null : { value: String(id), source },
    query: Object.fromEntries(readExamples("query")),
    body: schemas[bodyName]?.example,
    needsKey: security.length > 0 && security.every((scheme) => Object.keys(scheme).length > 0),
    isJson: Object.hasOwn(success?.content ?? {}, "application/json"),
  };
}

/**
 * The address of a call.
 * @param idPlace what stands for the id, such as `$ID`
 */
export function formatUrl({ path, pathValues, query }: ExampleCall, server: string, idPlace: string): string {
  const target = path.replaceAll(/\{(\w+)\}/g, (_, name: string) =>
    name === "id" ? idPlace : encodeURIComponent(String(pathValues[name])),
  );
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`);
  return `${server}${target}${pairs.length > 0 ? `?${pairs.join("&")}` : ""}`;
}
