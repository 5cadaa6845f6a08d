/**
 * Carries a drain plan out through the engine, and tells what came of it. What to end is drain-plan.ts's to
 * say.
 */
import { codeOf } from '#model/end-reason';
import type { EndReason } from '#model/end-reason';
import type { Goodbye, GoodbyeSelection } from './drain-plan.ts';

export interface DrainerOptions {
  /** The engine's goodbye: resolves with how many sessions were told. */
  readonly goodbye: (selection: GoodbyeSelection, told: GoodbyeWords) => Promise<number>;
  /** The last words to a client, whole lines of its protocol; the front's table has them. */
  readonly wordsOf: (reason: EndReason) => string;
  readonly onOutcome: (outcome: DrainOutcome) => void;
}

/** As the engine takes it: `reason` is a code, `words` are whole lines; busy sessions may be left alone. */
export interface GoodbyeWords {
  readonly reason: number;
  readonly words: string;
  readonly sparesBusy: boolean;
}

export interface DrainOutcome {
  readonly goodbye: Goodbye;
  /** Sessions that were told; undefined where the engine failed. */
  readonly told: number | undefined;
  readonly problem: string | undefined;
}

export interface Drainer {
  /**
   * Resolves when every goodbye has gone out; one that fails does not keep the others back. Rejects only
   * with what `onOutcome` throws.
   */
  carryOut(plan: readonly Goodbye[]): Promise<void>;
}

/** A drainer over the engine; it keeps nothing between two plans. */
export function createDrainer({ goodbye, wordsOf, onOutcome }: DrainerOptions): Drainer {
  /** Async for what throws as well: a goodbye that the engine refuses at once must not keep others back. */
  const give = async ({ selection, reason }: Goodbye): Promise<number> => {
    return goodbye(selection, { reason: codeOf(reason), words: wordsOf(reason), sparesBusy: false });
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
