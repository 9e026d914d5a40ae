import "vitest";

declare module "vitest" {
  /** Values that test/support/worker-models.ts prepares in Node for the tests in workerd. */
  interface ProvidedContext {
    /** ONNX files by name, base64. */
    models: Record<"steep" | "shallow" | "nanPrice" | "noPrice" | "greedy", string>;
    /** The linear model with the slopes 100, 200, 300, 400, 600, 700, 800, 900, 1,100, and 2,000 to 2,039, base64. */
    linearModels: string[];
    /** The rows of the embedded dataset in the form in which training stores them, JSON. */
    stones: string;
  }
}
