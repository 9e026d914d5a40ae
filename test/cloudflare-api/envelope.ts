import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";

/** An error of Cloudflare's API, which the client gets in its envelope. */
export class ApiError extends Error {
  readonly status: ContentfulStatusCode;
  readonly code: number;

  constructor(status: ContentfulStatusCode, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const answer = (c: Context, result: unknown) =>
  c.json({ success: true, errors: [], messages: [], result });

export const refuse = (c: Context, { status, code, message }: ApiError) =>
  c.json({ success: false, errors: [{ code, message }], messages: [], result: null }, status);
