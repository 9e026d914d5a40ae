/** Values by JSON schema, for what our OpenAPI document uses; anything else is an error, so that it is not missed. */
import fc from "fast-check";

export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly pattern?: string;
  readonly format?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Record<string, Schema>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
}

const KNOWN = new Set(
  "$ref type enum anyOf pattern format minLength maxLength minimum maximum exclusiveMinimum items minItems maxItems properties required additionalProperties default description example examples title".split(
    " ",
  ),
);
/** Enough of a list: its length is tested elsewhere. */
const MOST_ITEMS = 3;
const MOST_CHARACTERS = 60;

/** Makes arbitraries; properties with a name in `known` take values of there half of the times. */
export function byDocument(document: object, known: Readonly<Record<string, readonly unknown[]>>) {
  const resolve = (schema: Schema): Schema => {
    if (schema.$ref === undefined) return schema;
    const parts = schema.$ref.split("/").slice(1);
    return parts.reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], document) as Schema;
  };

  function of(given: Schema): fc.Arbitrary<unknown> {
    const schema = resolve(given);
    for (const keyword of Object.keys(schema))
      if (!KNOWN.has(keyword)) throw new Error(`no values by ${keyword}: ${JSON.stringify(schema)}`);
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
    if (schema.anyOf !== undefined) return fc.oneof(...schema.anyOf.map(of));
    switch (schema.type) {
      case "string":
        return text(schema);
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
        return fc.array(of(schema.items ?? {}), {
          minLength: schema.minItems ?? 0,
          maxLength: Math.min(schema.maxItems ?? MOST_ITEMS, MOST_ITEMS),
        });
      case "object":
        return object(schema);
      default:
        throw new Error(`no values of ${JSON.stringify(schema)}`);
    }
  }

  function object({ properties = {}, required = [] }: Schema): fc.Arbitrary<unknown> {
    const fields: Record<string, fc.Arbitrary<unknown>> = {};
    for (const [name, schema] of Object.entries(properties)) fields[name] = named(name, schema);
    return fc.record(fields, { requiredKeys: [...required], noNullPrototype: true });
  }

  function named(name: string, schema: Schema): fc.Arbitrary<unknown> {
    const pattern = new RegExp(resolve(schema).pattern ?? "", "u");
    const values = known[name]?.filter((value) => pattern.test(String(value)));
    return values === undefined ? of(schema) : fc.oneof(of(schema), fc.constantFrom(...values));
  }

  return { of, named, resolve };
}

function text({ format, pattern, minLength = 0, maxLength = MOST_CHARACTERS }: Schema): fc.Arbitrary<string> {
  const time = fc.date({ min: new Date(0), max: new Date("2026-11-01"), noInvalidDate: true });
  if (format === "date-time") return time.map((date) => date.toISOString());
  if (format === "date") return time.map((date) => date.toISOString().slice(0, 10));
  if (format !== undefined) throw new Error(`no values of the format ${format}`);
  const most = Math.min(maxLength, MOST_CHARACTERS);
  if (pattern !== undefined)
    return fc
      .stringMatching(new RegExp(pattern, "u"))
      .filter((value) => value.length <= maxLength && value.length >= minLength);
  return fc.oneof(
    fc.string({ minLength, maxLength: most }),
    fc.string({ minLength, maxLength: Math.max(minLength, most / 2), unit: "binary" }),
  );
}
