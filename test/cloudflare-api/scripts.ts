import { randomUUID } from "node:crypto";
import type { Assets } from "./assets.ts";
import type { Databases } from "./d1.ts";
import type { Binding, DeployedVersion, Metadata, UploadedModule } from "./deployed-version.ts";
import { ApiError } from "./envelope.ts";
import type { Buckets } from "./r2.ts";

export interface VersionTraffic {
  readonly version_id: string;
  readonly percentage: number;
}

export interface Deployment {
  readonly id: string;
  readonly created_on: string;
  readonly versions: readonly VersionTraffic[];
  readonly [field: string]: unknown;
}

/** A Worker: its versions and deployments (the newest first), and what does not belong to a version. */
export interface Script {
  readonly name: string;
  readonly tag: string;
  readonly versions: DeployedVersion[];
  readonly deployments: Deployment[];
  readonly secrets: Map<string, string>;
  tags: string[];
  schedules: string[];
  subdomain: { enabled: boolean; previews_enabled: boolean };
}

const isUuid = (text: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text);

/** The Workers of the account. */
export class Scripts {
  readonly #scripts = new Map<string, Script>();
  readonly #resources: { databases: Databases; buckets: Buckets; assets: Assets };

  constructor(resources: { databases: Databases; buckets: Buckets; assets: Assets }) {
    this.#resources = resources;
  }

  /** @throws ApiError */
  find(name: string): Script {
    const script = this.#scripts.get(name);
    if (script === undefined) throw new ApiError(404, 10007, "This Worker does not exist on your account.");
    return script;
  }

  findOrCreate(name: string): Script {
    const script = this.#scripts.get(name) ?? {
      name,
      tag: randomUUID().replaceAll("-", ""),
      versions: [],
      deployments: [],
      secrets: new Map(),
      tags: [],
      schedules: [],
      subdomain: { enabled: false, previews_enabled: false },
    };
    this.#scripts.set(name, script);
    return script;
  }

  /**
   * Adds a version from the form that wrangler uploads.
   * @throws ApiError if a binding names a resource that does not exist
   */
  async addVersion(script: Script, form: FormData): Promise<DeployedVersion> {
    const id = randomUUID();
    const metadata = JSON.parse(String(form.get("metadata"))) as Metadata;
    const modules: UploadedModule[] = [];
    for (const [name, file] of form.entries()) {
      if (typeof file === "string") continue;
      modules.push({ name, type: file.type, bytes: new Uint8Array(await file.arrayBuffer()) });
    }
    if (!modules.some(({ name }) => name === metadata.main_module))
      throw new ApiError(400, 10021, `No such module "${metadata.main_module}".`);
    const secrets = [...script.secrets].map(([name, text]) => ({ name, type: "secret_text", text }));
    const bindings = [
      ...metadata.bindings.map((binding) => this.#resolveBinding(script, binding)),
      ...secrets.filter(({ name }) => !metadata.bindings.some((binding) => binding.name === name)),
    ];
    const token = metadata.assets?.jwt;
    const version = {
      id,
      createdOn: new Date().toISOString(),
      metadata: { ...metadata, bindings },
      modules,
      assets: token === undefined ? null : await this.#resources.assets.writeFolder(token, id),
    };
    script.versions.unshift(version);
    return version;
  }

  /** @throws ApiError if the percentages or the versions are not valid */
  addDeployment(script: Script, versions: readonly VersionTraffic[], fields: object = {}): Deployment {
    const sum = versions.reduce((total, { percentage }) => total + percentage, 0);
    if (sum !== 100)
      throw new ApiError(400, 10210, `the percentages of a deployment must add up to 100, not ${sum}`);
    for (const { version_id } of versions) this.findVersion(script, version_id);
    const deployment = {
      id: randomUUID(),
      created_on: new Date().toISOString(),
      author_email: "test@example.com",
      source: "wrangler",
      strategy: "percentage",
      ...fields,
      versions,
    };
    script.deployments.unshift(deployment);
    return deployment;
  }

  /** @throws ApiError */
  findVersion(script: Script, id: string): DeployedVersion {
    const version = script.versions.find((one) => one.id === id);
    if (version === undefined) throw new ApiError(404, 100146, `Version ${id} not found.`);
    return version;
  }

  /** Replaces an inherited binding by that of the version before, and checks that the resource exists. */
  #resolveBinding(script: Script, binding: Binding): Binding {
    const { name, type } = binding;
    if (type === "inherit") {
      const inherited = script.versions[0]?.metadata.bindings.find((one) => one.name === name);
      if (inherited === undefined)
        throw new ApiError(400, 10057, `binding ${name} cannot be inherited: the version before has none`);
      return inherited;
    }
    if (type === "d1") {
      const id = binding.id ?? "";
      if (!isUuid(id) || !this.#resources.databases.records.some(({ uuid }) => uuid === id))
        throw new ApiError(400, 10021, `binding ${name} of type d1 must have a valid \`id\` specified`);
    }
    if (type === "r2_bucket") {
      const exists = this.#resources.buckets.list().some((bucket) => bucket.name === binding.bucket_name);
      if (!exists) throw new ApiError(400, 10085, `R2 bucket '${binding.bucket_name}' not found`);
    }
    return binding;
  }
}
