/** The part of autocannon that the benchmarks use. It has no types of its own. */
declare module "autocannon" {
  interface Options {
    readonly url: string;
    readonly connections: number;
    /** Seconds. */
    readonly duration: number;
    /** Interval in ms at which it counts, and at which it can end. */
    readonly sampleInt: number;
    readonly method: "GET" | "POST";
    readonly body?: string;
    /** Requests that each connection sends in turn. */
    readonly requests?: readonly { readonly path: string }[];
    readonly headers: Readonly<Record<string, string>>;
  }

  interface Result {
    readonly non2xx: number;
    readonly "2xx": number;
    /** Connection errors and timeouts. */
    readonly errors: number;
    /** Seconds. */
    readonly duration: number;
  }

  type OnResponse = (client: unknown, status: number, bytes: number, durationMs: number) => void;

  interface Run extends Promise<Result> {
    on(event: "response", listener: OnResponse): void;
  }

  export default function autocannon(options: Options): Run;
}
