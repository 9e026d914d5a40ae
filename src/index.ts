/** The entry point: starts the ONNX runtime with the isolate, before the first request, and exports the Worker. */
import "./inference/start-runtime.ts";

export { default } from "./worker.ts";
