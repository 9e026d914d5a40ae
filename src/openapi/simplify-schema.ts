import type { ZodOpenApiOverrideContext } from "zod-openapi";

type JsonSchema = ZodOpenApiOverrideContext["jsonSchema"];

/** Changes a JSON schema that Zod made, so that client generators understand it. The meaning stays the same. */
export function simplifySchema({ jsonSchema, io }: ZodOpenApiOverrideContext): void {
  // The format says the same as the long pattern. Tools that make samples from patterns would use the pattern.
  if (jsonSchema.format !== undefined) delete jsonSchema.pattern;
  // Zod adds these bounds to every integer. They are not rules of the API.
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  // The names of a map are always texts.
  delete jsonSchema.propertyNames;
  // An answer can get more fields in later versions. Clients must accept them.
  if (io === "output" && jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  listTupleItems(jsonSchema);
  joinNull(jsonSchema);
}

/** Most generators do not know `prefixItems`. The items of our tuples all have one type. */
function listTupleItems(jsonSchema: JsonSchema): void {
  const { prefixItems } = jsonSchema;
  const [item] = prefixItems ?? [];
  if (prefixItems === undefined || item === undefined) return;
  delete jsonSchema.prefixItems;
  Object.assign(jsonSchema, { items: item, minItems: prefixItems.length, maxItems: prefixItems.length });
}

/** Writes a nullable text, number or boolean with a list of types. Objects stay a choice of reference and null. */
function joinNull(jsonSchema: JsonSchema): void {
  const [schema, other, ...more] = jsonSchema.anyOf ?? [];
  if (schema === undefined || other?.type !== "null" || more.length > 0) return;
  if (schema.enum !== undefined || !["string", "number", "integer", "boolean"].includes(String(schema.type)))
    return;
  const { type, ...rules } = schema;
  delete jsonSchema.anyOf;
  Object.assign(jsonSchema, { ...rules, ...jsonSchema, type: [type, "null"] });
}
