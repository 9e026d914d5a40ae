import type { ModelMemory } from "../domain/models/model-memory.ts";
import { ageMs } from "../lib/time.ts";
import {
  ALIAS_PROTECTION_MS,
  MAX_LOADS,
  MAX_NAMED_LOADS,
  MIN_SESSION_AGE_MS,
  RUNTIME_BYTES,
  SESSION_BUDGET_BYTES,
} from "./memory-budget.ts";
import type { Session } from "./onnx-runtime.ts";
import { LoadRefusedError } from "./runtime-errors.ts";
import { LOAD_LOST_AFTER_MS, LOAD_RETRY_AFTER_SECONDS } from "./timeouts.ts";

/** Whether an alias led to a version, or its name. Anyone may name any version, but only admins move an alias. */
export type Usage = "alias" | "name";

export interface CachedSession {
  readonly session: Session;
  readonly memory: ModelMemory;
  readonly createdAt: number;
  /** When an alias used it last; -Infinity for never. */
  aliasUsedAt: number;
}

/** A session that is being loaded. Its memory counts from the start. */
export interface Load {
  readonly memory: ModelMemory;
  readonly startedAt: number;
}

/** What the store has now, for tests and measurements. */
export interface SessionState {
  readonly sessions: number;
  readonly loads: number;
  /** The runtime, all sessions, and the load that takes most. */
  readonly budgetedBytes: number;
}

/**
 * The sessions of an isolate by the SHA-256 of their file, and the budget for their memory. Room is made before a
 * session is loaded. An evicted session still has its memory until it is released, which must happen before
 * the next one is created.
 */
export class SessionStore {
  /** Least recently used first. */
  readonly #sessions = new Map<string, CachedSession>();
  readonly #loads = new Map<string, Load>();
  #evicted: Session[] = [];

  get state(): SessionState {
    return {
      sessions: this.#sessions.size,
      loads: this.#loads.size,
      budgetedBytes: sumMemory([...this.#sessions.values()], [...this.#loads.values()]),
    };
  }

  get(sha256: string): CachedSession | undefined {
    return this.#sessions.get(sha256);
  }

  /** Makes a session the most recently used. */
  touch(sha256: string, cached: CachedSession, usage: Usage): void {
    this.#sessions.delete(sha256);
    this.#sessions.set(sha256, cached);
    if (usage === "alias") cached.aliasUsedAt = Date.now();
  }

  /**
   * Reserves the memory of a session that will be loaded, and evicts others for it if necessary.
   * @throws LoadRefusedError if there is no room, or if there are too many loads
   */
  startLoad(sha256: string, memory: ModelMemory, usage: Usage): Load {
    this.#dropLostLoads();
    if (this.#loads.size >= (usage === "alias" ? MAX_LOADS : MAX_NAMED_LOADS))
      throw new LoadRefusedError(
        `${this.#loads.size} other models are being loaded`,
        LOAD_RETRY_AFTER_SECONDS,
      );
    const load = { memory, startedAt: Date.now() };
    const loads = [...this.#loads.values(), load];
    const kept = new Map(this.#sessions);
    for (const [candidate] of this.#listEvictable(usage)) {
      if (sumMemory([...kept.values()], loads) <= SESSION_BUDGET_BYTES) break;
      kept.delete(candidate);
    }
    if (sumMemory([...kept.values()], loads) > SESSION_BUDGET_BYTES)
      throw new LoadRefusedError("the memory is in use by other models", MIN_SESSION_AGE_MS / 1000);
    for (const candidate of [...this.#sessions.keys()]) if (!kept.has(candidate)) this.#evict(candidate);
    this.#loads.set(sha256, load);
    return load;
  }

  /** Whether a load still has its reservation. It has not if it took so long that it counted as lost. */
  isLoading(sha256: string, load: Load): boolean {
    return this.#loads.get(sha256) === load;
  }

  endLoad(sha256: string, load: Load): void {
    if (this.isLoading(sha256, load)) this.#loads.delete(sha256);
  }

  add(sha256: string, session: Session, { memory }: Load): void {
    this.#sessions.set(sha256, {
      session,
      memory,
      createdAt: Date.now(),
      aliasUsedAt: Number.NEGATIVE_INFINITY,
    });
  }

  /** Evicts all sessions that may be evicted, except one. */
  evictAll(usage: Usage, except?: string): void {
    for (const [sha256] of this.#listEvictable(usage)) if (sha256 !== except) this.#evict(sha256);
  }

  /** Takes a session that was evicted and must be released. */
  takeEvicted(): Session | undefined {
    return this.#evicted.shift();
  }

  get hasEvicted(): boolean {
    return this.#evicted.length > 0;
  }

  /** In the order of eviction. */
  #listEvictable(usage: Usage): [string, CachedSession][] {
    const isProtected = ([, { aliasUsedAt, createdAt }]: [string, CachedSession]) =>
      ageMs(aliasUsedAt) < ALIAS_PROTECTION_MS || ageMs(createdAt) < MIN_SESSION_AGE_MS;
    const all = [...this.#sessions];
    const others = all.filter((entry) => !isProtected(entry));
    return usage === "name" ? others : [...others, ...all.filter(isProtected)];
  }

  #evict(sha256: string): void {
    const cached = this.#sessions.get(sha256);
    if (cached === undefined) return;
    this.#sessions.delete(sha256);
    this.#evicted.push(cached.session);
  }

  /** The platform can stop a load, which then never ends. */
  #dropLostLoads(): void {
    for (const [sha256, { startedAt }] of this.#loads)
      if (ageMs(startedAt) >= LOAD_LOST_AFTER_MS) this.#loads.delete(sha256);
  }
}

type Holder = Pick<Load, "memory">;

/** Sessions are created one at a time, so only one of the loads takes more than its session keeps. */
function sumMemory(sessions: readonly Holder[], loads: readonly Holder[]): number {
  const kept = [...sessions, ...loads].reduce((sum, { memory }) => sum + memory.sessionBytes, 0);
  const extra = loads.map(({ memory }) => Math.max(0, memory.memoryBytes - memory.sessionBytes));
  return RUNTIME_BYTES + kept + Math.max(0, ...extra);
}
