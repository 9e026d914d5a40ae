/**
 * Asserts that calls of the ONNX runtime do not overlap: an overlapping call leaks a piece of the runtime's
 * stack, and after some hundreds of them every call in the isolate fails. The mutex of session-cache.ts keeps
 * them apart, and this finds a call without it.
 */
import { OverlappingCallError } from "./runtime-errors.ts";

let current = 0;
let last = 0;

/**
 * Marks the start of a call.
 * @returns its number, for `endCall`
 * @throws OverlappingCallError if another call has not ended
 */
export function startCall(): number {
  if (current !== 0) throw new OverlappingCallError("two calls of the ONNX runtime overlap");
  current = ++last;
  return current;
}

export function endCall(call: number): void {
  if (current === call) current = 0;
}

/** Forgets a call that never ends, because the platform has stopped it. */
export function forgetCall(): void {
  current = 0;
}
