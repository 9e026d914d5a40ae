import "vitest";

declare module "vitest" {
  /** What test/worker-models.ts makes in Node for the tests in workerd. */
  interface ProvidedContext {
    /** ONNX files by name, base64. */
    models: Record<"steep" | "shallow" | "cliff" | "strange", string>;
    /** `steep` with other slopes: 100, 200, 300, 400, 600, 700. */
    slopes: string[];
    /** The rows of the embedded dataset as training keeps them, JSON. */
    stones: string;
  }
}
