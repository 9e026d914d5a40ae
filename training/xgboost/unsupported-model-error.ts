import { UserError } from "../../cloudflare/user-error.ts";

/** A model file that cannot be imported. The message says why. */
export class UnsupportedModelError extends UserError {}
