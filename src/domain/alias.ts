import { z } from "zod";
import { ModelReference } from "./model-record.ts";

const share = z.number().int().nullable().meta({
  description:
    "Percent of predictions: those that the canary answers; of the alias `challenger`, those that it prices in the shadow. Null where there is neither.",
  example: null,
});
const canary = ModelReference.nullable().meta({
  description: "The version that answers the share of predictions; null where there is none.",
});
const revision = z
  .number()
  .int()
  .meta({ description: "Counts the moves of the alias, from 1. It is also the ETag.", example: 4 });

/** A name that points at a model version. */
export const Alias = z
  .object({
    alias: z.string().meta({ example: "champion" }),
    ...ModelReference.shape,
    share,
    canary,
    revision,
    updatedAt: z.iso.datetime(),
  })
  .meta({ id: "Alias", description: "A name that points at a model version." });
export type Alias = z.infer<typeof Alias>;

/** A move of an alias. */
export const AliasMove = ModelReference.extend({
  revision,
  from: ModelReference.nullable().meta({ description: "Where it pointed before; null for the first." }),
  share,
  canary,
  removed: z.boolean().meta({ description: "The alias was taken away; it pointed there until then." }),
  actor: z.string().meta({ description: "Who moved it.", example: "marta" }),
  reason: z.string().meta({ example: "the new one is off above two carats" }),
  at: z.iso.datetime(),
}).meta({ id: "AliasMove", description: "A move of an alias." });
export type AliasMove = z.infer<typeof AliasMove>;
