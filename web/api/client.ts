import {
  createFacetClient,
  FacetError,
  readAnswer as readClientAnswer,
  type Schemas,
} from "../../clients/typescript/src/index.ts";
import { readKey } from "./key.ts";

export type { paths, Schemas } from "../../clients/typescript/src/index.ts";

/** Calls the server that served this page. The key of the tab, if there is one, is sent to no other server. */
const server = { baseUrl: location.origin, key: readKey };

/** Sends each call once: a person sees at once that it failed, and can repeat it. */
export const api = createFacetClient({ ...server, attempts: 1 });

/** For work that nobody repeats by hand: waits for the server and sends calls again. */
export const patientApi = createFacetClient({ ...server, attempts: 6 });

/** An answer of the API that is not a success, or no answer at all. */
export class CallFailed extends Error {
  /** Null if there was no answer. */
  readonly status: number | null;
  readonly fieldErrors: readonly Schemas["FieldError"][];
  readonly retryAfterSeconds: number | null;
  /** Whether the same call can succeed later. */
  readonly isTransient: boolean;

  constructor(message: string, status: number | null, error?: FacetError) {
    super(message, { cause: error });
    this.status = status;
    this.fieldErrors = error?.fieldErrors ?? [];
    this.retryAfterSeconds = error?.retryAfterSeconds ?? null;
    this.isTransient = error?.isTransient ?? false;
  }

  get needsKey(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

/**
 * Waits for an answer of {@link api}.
 * @throws CallFailed, and AbortError if the caller has cancelled the call
 */
export async function readAnswer<Data>(call: Parameters<typeof readClientAnswer<Data>>[0]): Promise<Data> {
  try {
    return await readClientAnswer(call);
  } catch (error) {
    if (!(error instanceof FacetError)) throw error;
    throw new CallFailed(explain(error), error.status, error);
  }
}

function explain({ type, message, status }: FacetError): string {
  if (status === null) return "Facet cannot be reached. Check your connection.";
  return type === "about:blank" ? `Facet answered with the status ${status}.` : message;
}
