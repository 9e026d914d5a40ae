import { z } from "zod";
import { ModelReference } from "./model-reference.ts";

const share = z.number().int().nullable().meta({
  description:
    "Percentage of predictions: for `champion`, those made by the canary; for `challenger`, those that it repeats as shadow predictions. Null without a canary or a challenger.",
  example: null,
});
const canary = ModelReference.nullable().meta({
  description: "The version that makes this percentage of the predictions; null without a canary.",
});
const revision = z
  .number()
  .int()
  .meta({ description: "Number of moves of the alias, from 1. It is also the ETag.", example: 4 });

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

/** A move of an alias to a version, or its removal. */
export const AliasMove = ModelReference.extend({
  revision,
  from: ModelReference.nullable().meta({
    description: "The version that the alias pointed at before; null if the alias did not exist.",
  }),
  share,
  canary,
  removed: z.boolean().meta({
    description: "The alias was removed. `name` and `version` are those that it pointed at until then.",
  }),
  actor: z.string().meta({ description: "Who moved the alias.", example: "marta" }),
  reason: z.string().meta({ example: "the new version prices stones above 2 carats too low" }),
  at: z.iso.datetime(),
}).meta({ id: "AliasMove", description: "A move of an alias to a version, or its removal." });
export type AliasMove = z.infer<typeof AliasMove>;

/** A time in which an alias pointed at a version. */
export const AliasPeriod = z
  .object({
    alias: z.string().meta({ example: "champion" }),
    role: z.enum(["target", "canary"]).meta({
      description:
        "`target`: the alias pointed at this version. `canary`: this version made a percentage of the predictions in place of the target.",
    }),
    share: z.number().int().nullable().meta({
      description:
        "Percentage of predictions: for a canary, those that it made; for a challenger, those that it repeated as shadow predictions.",
    }),
    from: z.iso.datetime(),
    until: z.iso.datetime().nullable().meta({ description: "Null if the period has not ended." }),
    revision: z.number().int(),
    actor: z.string(),
    reason: z.string(),
  })
  .meta({ id: "AliasPeriod", description: "A time in which an alias pointed at the version." });
export type AliasPeriod = z.infer<typeof AliasPeriod>;
