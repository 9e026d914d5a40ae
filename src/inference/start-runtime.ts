/**
 * Starts the ONNX runtime while the isolate starts. The first request then waits only for its model. A Worker
 * may compute for a second before its first request, but not read anything: so the model is in this file.
 */
import { createSession } from "./onnx-runtime.ts";

/** An ONNX file with one node, `price = Identity(x)`. */
const SMALLEST_MODEL =
  "CAoSBWZhY2V0OkcKFAoBeBIFcHJpY2UiCElkZW50aXR5EgVzdGFydFIAWhAKAXgSCwoJCAESBQoDEgFOYhQKBXByaWNlEgsKCQgBEgUKAxIBTkIECgAQFUIOCgphaS5vbm54Lm1sEAU=";

const session = await createSession(
  Uint8Array.from(atob(SMALLEST_MODEL), (character) => character.charCodeAt(0)),
);
await session.run({ x: Float32Array.of(1) }, "price");
await session.release();
