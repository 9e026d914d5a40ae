import { Failure } from "../failure.ts";

/** A model file that cannot be imported; the message names the fault. */
export class UnsupportedModelError extends Failure {}
