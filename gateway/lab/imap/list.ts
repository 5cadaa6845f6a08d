/** Which folders LIST and LSUB name (RFC 3501 section 6.3.8). The hierarchy's delimiter is `/`. */

export const delimiter = '/';

/**
 * Whether the name fits a pattern: `*` is anything, `%` anything within one level. INBOX fits in any case.
 */
export function fitsPattern(name: string, pattern: string): boolean {
  if (fits(name, pattern)) return true;
  return name === 'INBOX' && fits('inbox', pattern.toLowerCase());
}

export function hasChildren(name: string, names: Iterable<string>): boolean {
  for (const each of names) if (each.startsWith(name + delimiter)) return true;
  return false;
}

/** `a/b/c` -> `a`, `a/b`: what has to be there before it. */
export function superiorsOf(name: string): string[] {
  const levels = name.split(delimiter);
  return levels.slice(1).map((_, index) => levels.slice(0, index + 1).join(delimiter));
}

/**
 * A wildcard's choices are tried by the table, not by recursion: a hostile pattern costs name x pattern, no
 * more.
 */
function fits(name: string, pattern: string): boolean {
  // reached[i]: the pattern so far fits the first i characters of the name.
  let reached = [true, ...Array.from(name, () => false)];
  for (const wanted of pattern) {
    const next = reached.map(() => false);
    for (let at = 0; at <= name.length; at += 1) {
      const before = name[at - 1];
      const isWild = wanted === '*' || (wanted === '%' && before !== delimiter);
      if (wanted === '*' || wanted === '%')
        next[at] = reached[at] === true || (isWild && at > 0 && next[at - 1] === true);
      else next[at] = at > 0 && reached[at - 1] === true && before === wanted;
    }
    reached = next;
  }
  return reached[name.length] === true;
}
