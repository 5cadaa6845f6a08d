/**
 * Message flags: the system's five in one spelling, keywords as their first user wrote them (RFC 3501
 * section 2.3.2).
 */

export const systemFlags = ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft'] as const;

/** How many keywords a message may carry, and how long each may be. */
export const keywordsMax = 50;
const keywordBytesMax = 100;

/**
 * The flags without doubles and in the system's spelling. A flag that clients can't set (\Recent, unknown
 * ones) is left out.
 */
export function soundFlags(flags: Iterable<string>): string[] {
  const sound = new Map<string, string>();
  for (const flag of flags) {
    const system = systemFlags.find((each) => each.toLowerCase() === flag.toLowerCase());
    if (system === undefined && (flag.startsWith('\\') || flag.length > keywordBytesMax)) continue;
    const key = flag.toLowerCase();
    if (!sound.has(key)) sound.set(key, system ?? flag);
  }
  return [...sound.values()].slice(0, systemFlags.length + keywordsMax);
}

export function hasFlag(flags: ReadonlySet<string>, flag: string): boolean {
  if (flags.has(flag)) return true;
  return [...flags].some((each) => each.toLowerCase() === flag.toLowerCase());
}

/** What STORE makes of a message's flags. */
export function changedFlags(
  before: ReadonlySet<string>,
  how: 'set' | 'add' | 'remove',
  flags: readonly string[],
): string[] {
  if (how === 'set') return soundFlags(flags);
  if (how === 'add') return soundFlags([...before, ...flags]);
  const removed = new Set(flags.map((flag) => flag.toLowerCase()));
  return [...before].filter((flag) => !removed.has(flag.toLowerCase()));
}

export function isSameFlags(one: Iterable<string>, other: Iterable<string>): boolean {
  return [...one].sort().join(' ') === [...other].sort().join(' ');
}
