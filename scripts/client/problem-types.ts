/** The part of the OpenAPI document that lists the types of problems. */
export interface OpenApiProblems {
  readonly components: {
    readonly schemas: {
      readonly Problem: { readonly properties: { readonly type: { readonly examples: readonly string[] } } };
    };
  };
}

/** Writes the types of problems as a TypeScript file. The generated schema has them as text only. */
export function formatProblemTypes({ components }: OpenApiProblems): string {
  const { examples } = components.schemas.Problem.properties.type;
  return `/** Generated from /openapi.json by \`npm run types:api\`. */

/** The types of problems that the API answers with. A later version of the API can add more. */
export type ProblemType =
${examples.map((type) => `  | "${type}"`).join("\n")};
`;
}
