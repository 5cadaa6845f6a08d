/** The bounds of the worker pool, each with its reason. */

export const limits = {
  /**
   * A thread with our fronts is up in 0.3 s, in 0.8 s through tsx; six times that is not a slow machine any
   * more.
   */
  upTimeoutMs: 5_000,
  /** First wait before a replacement; it doubles with each life that was short. */
  backOffFirstMs: 50,
  /** A worker that can't start must not keep a core busy, yet be back soon once the cause is gone. */
  backOffMaxMs: 5_000,
  /** A life this long was a good one: the next wait is the first one again. */
  goodLifeMs: 10_000,
  /** Heart-beats: often enough that a stuck worker is noticed within 2 s and gone within 5 s (F25). */
  pingIntervalMs: 500,
  /**
   * Unanswered pings in a row, 2 s of them. Counted, not measured: when we ourselves slept (F24, F27), one
   * is missed.
   */
  missedPingsMax: 4,
  /** Age of the oldest event that a worker has not taken from the engine. */
  oldestEventMs: 2_000,
  /** Looks in a row that must find it so: right after we ourselves slept, every queue is old. */
  oldEventLooksMax: 2,
  /** How long a worker may take to return from `serve` once told to stop. */
  stopTimeoutMs: 2_000,
  /**
   * Preambles are small and sessions are the engine's, so a bigger heap is a leak; the thread dies, not the
   * gateway.
   */
  workerHeapMib: 512,
  /**
   * Room for young objects. A preamble's are dead within a wake, so more room is not less work (measured),
   * only memory that the first thousand logins make V8 take and never give back.
   */
  workerYoungMib: 4,
} as const;
