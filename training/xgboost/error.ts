import { UserError } from "../../cloudflare/user-error.ts";

/** A model file that cannot be imported; the message names the fault. */
export class UnsupportedModelError extends UserError {}
