/** Random values that match a JSON schema. An unsupported keyword is an error, so that no rule is missed. */
import fc from "fast-check";

export interface JsonSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Record<string, JsonSchema>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
  readonly example?: unknown;
}

const SUPPORTED_KEYWORDS = new Set(
  "$ref type enum anyOf pattern format minLength maxLength minimum maximum exclusiveMinimum items minItems maxItems properties required additionalProperties default description example examples title".split(
    " ",
  ),
);
/** Other tests cover long lists. */
const MAX_ITEMS = 3;
const MAX_CHARACTERS = 60;

/** @param knownValues by property name: such a property takes one of these values in half of the cases */
export function createArbitraries(
  document: object,
  knownValues: Readonly<Record<string, readonly unknown[]>>,
) {
  const resolveReference = (schema: JsonSchema): JsonSchema => {
    if (schema.$ref === undefined) return schema;
    const parts = schema.$ref.split("/").slice(1);
    return parts.reduce<unknown>(
      (node, part) => (node as Record<string, unknown>)[part],
      document,
    ) as JsonSchema;
  };

  function createFromSchema(schemaOrReference: JsonSchema): fc.Arbitrary<unknown> {
    const schema = resolveReference(schemaOrReference);
    for (const keyword of Object.keys(schema))
      if (!SUPPORTED_KEYWORDS.has(keyword))
        throw new Error(`unsupported keyword ${keyword}: ${JSON.stringify(schema)}`);
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
    if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(createFromSchema));
    if (Array.isArray(schema.type))
      return fc.oneof(...schema.type.map((type) => createFromSchema({ ...schema, type })));
    switch (schema.type) {
      case "null":
        return fc.constant(null);
      case "string":
        return createText(schema);
      case "number":
        return fc.double({
          min: schema.exclusiveMinimum ?? schema.minimum ?? -1e9,
          minExcluded: schema.exclusiveMinimum !== undefined,
          max: schema.maximum ?? 1e9,
          noNaN: true,
        });
      case "integer":
        return fc.integer({ min: schema.minimum ?? -1e9, max: schema.maximum ?? 1e9 });
      case "array":
        return fc.array(createFromSchema(schema.items ?? {}), {
          minLength: schema.minItems ?? 0,
          maxLength: Math.min(schema.maxItems ?? MAX_ITEMS, MAX_ITEMS),
        });
      case "object":
        return createObject(schema);
      default:
        throw new Error(`unsupported schema: ${JSON.stringify(schema)}`);
    }
  }

  function createObject({ properties = {}, required = [] }: JsonSchema): fc.Arbitrary<unknown> {
    const fields: Record<string, fc.Arbitrary<unknown>> = {};
    for (const [name, schema] of Object.entries(properties)) fields[name] = createForProperty(name, schema);
    return fc.record(fields, { requiredKeys: [...required], noNullPrototype: true });
  }

  function createForProperty(name: string, schema: JsonSchema): fc.Arbitrary<unknown> {
    const pattern = new RegExp(resolveReference(schema).pattern ?? "", "u");
    const values = knownValues[name]?.filter((value) => pattern.test(String(value)));
    return values === undefined
      ? createFromSchema(schema)
      : fc.oneof(createFromSchema(schema), fc.constantFrom(...values));
  }

  return { createFromSchema, createForProperty, resolveReference };
}

function createText({
  format,
  pattern,
  minLength = 0,
  maxLength = MAX_CHARACTERS,
}: JsonSchema): fc.Arbitrary<string> {
  const time = fc.date({ min: new Date(0), max: new Date("2026-11-01"), noInvalidDate: true });
  if (format === "date-time") return time.map((date) => date.toISOString());
  if (format === "date") return time.map((date) => date.toISOString().slice(0, 10));
  if (format !== undefined) throw new Error(`unsupported format: ${format}`);
  const longest = Math.min(maxLength, MAX_CHARACTERS);
  if (pattern !== undefined)
    return fc
      .stringMatching(new RegExp(pattern, "u"))
      .filter((value) => value.length <= maxLength && value.length >= minLength);
  return fc.oneof(
    fc.string({ minLength, maxLength: longest }),
    fc.string({ minLength, maxLength: Math.max(minLength, longest / 2), unit: "binary" }),
  );
}
