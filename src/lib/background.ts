/** Keeps work running after the response is sent: the part of workerd's `ExecutionContext` that is used here. */
export interface Background {
  waitUntil(work: Promise<unknown>): void;
}
