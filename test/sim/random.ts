/** Chance from a seed: the same seed gives the same numbers, and each named fork a stream of its own. */

export interface Random {
  /** 0 <= r < 1. */
  next(): number;
  /** A whole number from 0 to below `count`. */
  below(count: number): number;
  /** from <= r < to. */
  between(from: number, to: number): number;
  chance(probability: number): boolean;
  pick<Item>(items: readonly Item[]): Item;
  /** A stream that does not disturb this one: who draws more in it changes nothing elsewhere. */
  fork(name: string): Random;
}

/** FNV-1a over the characters, 32 bits. */
export function hashText(text: string, from = 0x811c_9dc5): number {
  let hash = from;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x0100_0193);
  return hash >>> 0;
}

/** mulberry32: one word of state, every seed a full period of 2^32. */
export function randomOf(seed: number): Random {
  let state = Math.imul(seed ^ 0x9e37_79b9, 0x85eb_ca6b) >>> 0;
  function next(): number {
    state = (state + 0x6d2b_79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const below = (count: number): number => Math.floor(next() * count);
  return {
    next,
    below,
    between: (from, to) => from + (to - from) * next(),
    chance: (probability) => next() < probability,
    pick: (items) => {
      const picked = items[below(items.length)];
      if (picked === undefined) throw new Error('nothing to pick from');
      return picked;
    },
    fork: (name) => randomOf(hashText(name, seed ^ 0x811c_9dc5)),
  };
}
