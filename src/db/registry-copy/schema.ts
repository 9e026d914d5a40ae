/**
 * The copy of the registry in the bucket. It has what a new isolate needs to check keys and to price while D1
 * does not answer. D1 stays the truth: whoever changes aliases, keys or models writes a new copy afterwards.
 *
 * `wrangler r2 object put` has no condition, so a copy never replaces another one: its object key has the
 * revision of the registry, and sorts the newest copy first.
 */
import { z } from "zod";
import { SCOPES } from "../../domain/access.ts";
import { Ranges } from "../../domain/models/model-record.ts";
import { Calibration } from "../../domain/prediction/calibration.ts";
import { Plausibility } from "../../domain/prediction/plausibility.ts";

export const COPY_PREFIX = "registry-copies/";
const MAX_REVISION = 999_999_999_999_999;
const KEY_PATTERN = /^registry-copies\/(\d{15})\.json$/;

/** The object key of a copy. The keys of newer copies are smaller. */
export function toCopyKey(revision: number): string {
  return `${COPY_PREFIX}${String(MAX_REVISION - revision).padStart(15, "0")}.json`;
}

/** The revision in an object key; null for the key of another object. */
export function parseCopyKey(key: string): number | null {
  const [, digits] = KEY_PATTERN.exec(key) ?? [];
  return digits === undefined ? null : MAX_REVISION - Number(digits);
}

const CopiedModel = z.object({
  name: z.string(),
  version: z.number().int(),
  key: z.string(),
  sha256: z.string(),
  // Copies that an earlier release wrote do not have these figures.
  bytes: z.number().int().nullable().default(null),
  memoryBytes: z.number().int().nullable().default(null),
  sessionBytes: z.number().int().nullable().default(null),
  dataset: z.number().int(),
  seed: z.number().int(),
  ranges: Ranges,
  calibration: Calibration.nullable(),
  plausibility: Plausibility.nullable(),
});

const CopiedAlias = z.object({
  alias: z.string(),
  name: z.string(),
  version: z.number().int(),
  share: z.number().int().nullable(),
  canaryName: z.string().nullable(),
  canaryVersion: z.number().int().nullable(),
});

const CopiedKey = z.object({
  /** SHA-256 of the key, hexadecimal. */
  hash: z.string(),
  name: z.string(),
  scopes: z.array(z.enum(SCOPES)),
  expiresAt: z.string().nullable(),
  revokedAt: z.string().nullable(),
});

const RegistryCopy = z.object({
  /** Another shape gets another number. */
  format: z.literal(1),
  revision: z.number().int().nonnegative(),
  aliases: z.array(CopiedAlias),
  /** The versions that aliases and their canaries point at, and the newest version of each model. */
  models: z.array(CopiedModel),
  /** All keys, also revoked and expired ones. */
  keys: z.array(CopiedKey),
});
export type RegistryCopy = z.infer<typeof RegistryCopy>;

/** Read everything that a copy has, in one transaction. */
export const COPY_QUERIES = [
  "SELECT coalesce(max(revision), 0) AS revision FROM registry_revision",
  `SELECT alias, name, version, share, canary_name AS canaryName, canary_version AS canaryVersion
   FROM aliases ORDER BY alias`,
  `SELECT name, version, key, sha256, bytes, memory_bytes AS memoryBytes, session_bytes AS sessionBytes,
     dataset, seed, ranges, calibration, plausibility
   FROM models
   WHERE (name, version) IN (SELECT name, version FROM aliases
     UNION SELECT canary_name, canary_version FROM aliases
     UNION SELECT name, max(version) FROM models GROUP BY name)
   ORDER BY name, version`,
  `SELECT hash, name, scopes, expires_at AS expiresAt, revoked_at AS revokedAt FROM keys ORDER BY hash`,
] as const;

type Row = Readonly<Record<string, unknown>>;

/** Makes a copy from the rows of {@link COPY_QUERIES}. Equal rows give equal copies, also as text. */
export function buildCopy([revisions, aliases, models, keys]: readonly (readonly Row[])[]): RegistryCopy {
  return RegistryCopy.parse({
    format: 1,
    revision: revisions?.[0]?.revision,
    aliases,
    models: models?.map((row) => parseJsonColumns(row, ["ranges", "calibration", "plausibility"])),
    keys: keys?.map((row) => parseJsonColumns(row, ["scopes"])),
  });
}

function parseJsonColumns(row: Row, columns: readonly string[]): Row {
  const parsed = columns.map((column) => [column, JSON.parse(String(row[column]))]);
  return { ...row, ...Object.fromEntries(parsed) };
}

export function formatCopy(copy: RegistryCopy): string {
  return JSON.stringify(copy);
}

/** Reads the text of a copy; null if it is damaged, or has another shape or revision. */
export function parseCopy(text: string, revision: number): RegistryCopy | null {
  try {
    const copy = RegistryCopy.parse(JSON.parse(text));
    return copy.revision === revision ? copy : null;
  } catch {
    return null;
  }
}
