/** The known name that was probably meant. */

/** The nearest of `known` to `written`, or undefined where none is near enough to be more than a guess. */
export function didYouMean(written: string, known: Iterable<string>): string | undefined {
  // A fifth of the letters may be wrong, two in any case: POSTERN_SERVER for POSTERN_SERVERS, but not for
  // POSTERN_WORKERS.
  let nearest = Math.max(2, Math.floor(written.length / 5));
  let found: string | undefined;
  for (const name of known) {
    if (Math.abs(name.length - written.length) > nearest) continue;
    const distance = editsBetween(written, name);
    if (distance < nearest || (distance === nearest && found === undefined)) {
      nearest = distance;
      found = name;
    }
  }
  return found;
}

/** Letters to insert, remove, replace or swap with their neighbour to make `a` of `b`. */
function editsBetween(a: string, b: string): number {
  let twoBack: number[] = [];
  let above = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const line = [row];
    for (let column = 1; column <= b.length; column++) {
      const isSame = a[row - 1] === b[column - 1];
      const replaced = (above[column - 1] ?? 0) + (isSame ? 0 : 1);
      const isSwap = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      const swapped = isSwap ? (twoBack[column - 2] ?? 0) + 1 : replaced;
      line.push(Math.min(replaced, swapped, (above[column] ?? 0) + 1, (line[column - 1] ?? 0) + 1));
    }
    twoBack = above;
    above = line;
  }
  return above[b.length] ?? 0;
}
