import { join } from "node:path";

/** A binding as wrangler uploads it: the fields depend on the type. */
export interface Binding {
  readonly name: string;
  readonly type: string;
  readonly id?: string;
  readonly bucket_name?: string;
  readonly queue_name?: string;
  readonly text?: string;
  readonly namespace_id?: string;
  readonly simple?: { readonly limit: number; readonly period: 10 | 60 };
}

/** The part `metadata` of an upload. */
export interface Metadata {
  readonly main_module: string;
  readonly compatibility_date: string;
  readonly compatibility_flags?: string[];
  readonly bindings: Binding[];
  readonly annotations?: Record<string, string>;
  readonly assets?: {
    readonly jwt: string;
    readonly config: { readonly run_worker_first?: boolean | string[] };
  };
}

export interface UploadedModule {
  readonly name: string;
  readonly type: string;
  readonly bytes: Uint8Array;
}

/** A version of a Worker, as uploaded. Inherited bindings are resolved. */
export interface DeployedVersion {
  /** UUID. */
  readonly id: string;
  readonly createdOn: string;
  readonly metadata: Metadata;
  readonly modules: readonly UploadedModule[];
  /** Folder with its static assets; null if it has none. */
  readonly assets: string | null;
}

/** Every module needs a path, although none of them is in a file. */
const MODULES_ROOT = "/worker";

/** The options of miniflare that run a version as it was uploaded. */
export function toMiniflareWorker({ id, metadata, modules, assets }: DeployedVersion) {
  const { bindings, main_module, compatibility_date, compatibility_flags } = metadata;
  const select = <Value>(type: string, toValue: (binding: Binding) => Value) =>
    Object.fromEntries(
      bindings.filter((binding) => binding.type === type).map((binding) => [binding.name, toValue(binding)]),
    );
  const assetsBinding = bindings.find(({ type }) => type === "assets")?.name;
  const runWorkerFirst = metadata.assets?.config.run_worker_first;
  return {
    name: id,
    compatibilityDate: compatibility_date,
    compatibilityFlags: compatibility_flags ?? [],
    modulesRoot: MODULES_ROOT,
    // The main module must be the first one.
    modules: modules
      .toSorted((a, b) => Number(b.name === main_module) - Number(a.name === main_module))
      .filter(({ type }) => type in MODULE_TYPES)
      .map(({ name, type, bytes }) => ({
        type: MODULE_TYPES[type]!,
        path: join(MODULES_ROOT, name),
        contents: bytes,
      })),
    bindings: { ...select("plain_text", ({ text }) => text!), ...select("secret_text", ({ text }) => text!) },
    d1Databases: select("d1", (binding) => binding.id!),
    r2Buckets: select("r2_bucket", ({ bucket_name }) => bucket_name!),
    ratelimits: select("ratelimit", ({ namespace_id, simple }) => ({
      namespace_id: namespace_id!,
      simple: simple!,
    })),
    ...(assets !== null && {
      assets: {
        directory: assets,
        ...(assetsBinding !== undefined && { binding: assetsBinding }),
        routerConfig: {
          has_user_worker: true,
          invoke_user_worker_ahead_of_assets: runWorkerFirst === true,
          ...(Array.isArray(runWorkerFirst) && { static_routing: { user_worker: runWorkerFirst } }),
        },
      },
    }),
  };
}

/** Source maps are uploaded too, and not run. */
const MODULE_TYPES: Readonly<Record<string, "ESModule" | "CompiledWasm">> = {
  "application/javascript+module": "ESModule",
  "application/wasm": "CompiledWasm",
};
