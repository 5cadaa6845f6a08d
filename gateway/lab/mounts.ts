/**
 * Which databases a server may serve at this moment: those mounted, while its lease holds.
 *
 * The server asks the active manager by numbered beats; each answer names what is mounted here and renews
 * the lease, counted from when the beat was *asked*. So a server that was frozen serves nothing when it
 * thaws, whatever old answers lie in its pipe, until it has asked anew and heard what moved meanwhile. The
 * moments are arguments.
 */

/**
 * Shorter than the active manager's patience (active-manager.ts: silentMsMax), so that a lease ends before
 * a take-over.
 */
export const leaseMs = 1_200;

export interface Mount {
  readonly database: string;
  readonly epoch: number;
}

export class Mounts {
  readonly #epochs = new Map<string, number>();
  readonly #askedAt = new Map<number, number>();
  #beats = 0;
  #leaseUntil = Number.NEGATIVE_INFINITY;

  /** The next beat's number. */
  ask(now: number): number {
    this.#beats += 1;
    this.#askedAt.set(this.#beats, now);
    // Unanswered beats of a long freeze are worth nothing.
    this.#askedAt.delete(this.#beats - beatsKept);
    return this.#beats;
  }

  /**
   * The answer to a beat. Gives what is not mounted here any more; a mount itself comes by `mount` alone.
   */
  renew(beat: number, mounted: readonly Mount[]): string[] {
    const askedAt = this.#askedAt.get(beat);
    if (askedAt !== undefined) this.#leaseUntil = Math.max(this.#leaseUntil, askedAt + leaseMs);
    const gone = [...this.#epochs].filter(
      ([id, epoch]) => !mounted.some((each) => each.database === id && each.epoch === epoch),
    );
    for (const [database] of gone) this.#epochs.delete(database);
    return gone.map(([database]) => database);
  }

  mount({ database, epoch }: Mount): void {
    this.#epochs.set(database, epoch);
  }

  /** False when it was not mounted. */
  dismount(database: string): boolean {
    return this.#epochs.delete(database);
  }

  /** Mounted as far as we know; `mayServe` says whether we know enough. */
  epochOf(database: string): number | undefined {
    return this.#epochs.get(database);
  }

  isLeased(now: number): boolean {
    return now < this.#leaseUntil;
  }

  mayServe(database: string, now: number): boolean {
    return this.#epochs.has(database) && this.isLeased(now);
  }
}

const beatsKept = 64;
