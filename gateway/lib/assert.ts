/** For what only a fault of our own can break. What the world can do is a value, never an assertion. */

/** Throws where `condition` does not hold; `message` says which invariant that was. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`broken invariant: ${message}`);
}

/** Closes a switch that lists every case: a case that was forgotten fails to compile. */
export function unreachable(value: never): never {
  throw new Error(`broken invariant: unexpected ${JSON.stringify(value)}`);
}
