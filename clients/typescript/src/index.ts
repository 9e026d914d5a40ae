export {
  createFacetClient,
  type FacetClient,
  type FacetClientOptions,
  type PriceOptions,
  readAnswer,
  type Schemas,
  type SimilarQuery,
} from "./client.ts";
export { FacetError, type FacetErrorType } from "./errors.ts";
export type { ProblemType } from "./problem-types.ts";
export type { components, operations, paths } from "./schema.ts";
