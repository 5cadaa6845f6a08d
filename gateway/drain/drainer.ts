/**
 * Carries a drain plan out through the engine, and tells what came of it. What to end is drain-plan.ts's to
 * say.
 */
import { codeOf } from '#model/end-reason';
import type { Goodbye, GoodbyeSelection } from './drain-plan.ts';
import type { Pace } from './pace.ts';

export interface DrainerOptions {
  /** The engine's goodbye: resolves at once, with how many sessions will be told. */
  readonly goodbye: (selection: GoodbyeSelection, told: GoodbyeOrder) => Promise<number>;
  readonly onOutcome: (outcome: DrainOutcome) => void;
}

/** As the engine takes it: `reason` is a code. What a client hears, its frontend's words say. */
export interface GoodbyeOrder extends Pace {
  readonly reason: number;
}

export interface DrainOutcome {
  readonly goodbye: Goodbye;
  /** Sessions that are told, in their turn; undefined where the engine failed. */
  readonly told: number | undefined;
  readonly problem: string | undefined;
}

export interface Drainer {
  /**
   * Resolves when the engine has every goodbye, and paces it; one that fails does not keep the others back.
   * Rejects only with what `onOutcome` throws.
   */
  carryOut(plan: readonly Goodbye[]): Promise<void>;
}

/** A drainer over the engine; it keeps nothing between two plans. */
export function createDrainer({ goodbye, onOutcome }: DrainerOptions): Drainer {
  /** Async for what throws as well: a goodbye that the engine refuses at once must not keep others back. */
  const give = async ({ selection, reason, pace }: Goodbye): Promise<number> => {
    return goodbye(selection, { reason: codeOf(reason), ...pace });
  };
  const carryOutOne = async (order: Goodbye): Promise<void> => {
    onOutcome(
      await give(order).then(
        (told) => ({ goodbye: order, told, problem: undefined }),
        (error: unknown) => ({ goodbye: order, told: undefined, problem: String(error) }),
      ),
    );
  };
  return {
    async carryOut(plan) {
      // All are given to the engine at once, in their order; it works on each with all its threads.
      await Promise.all(plan.map(carryOutOne));
    },
  };
}
