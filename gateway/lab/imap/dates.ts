/** The two date forms of IMAP (RFC 3501 section 9): `17-Jul-1996` and `"17-Jul-1996 02:44:25 -0700"`. */

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
export const dayMs = 86_400_000;

/** Days since 1970; undefined for what is no date. */
export function parseDay(text: string): number | undefined {
  const match = /^(\d{1,2})-([A-Za-z]{3})-(\d{4})$/.exec(text);
  if (match === null) return undefined;
  const at = dateOf(match[1], match[2], match[3]);
  return at === undefined ? undefined : at / dayMs;
}

/** Milliseconds since 1970; the day may have a space in the place of its first digit. */
export function parseDateTime(text: string): number | undefined {
  const match = /^([ \d]\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/.exec(text);
  if (match === null) return undefined;
  const at = dateOf(match[1], match[2], match[3]);
  const [hours, minutes, seconds] = [Number(match[4]), Number(match[5]), Number(match[6])];
  const [zoneHours, zoneMinutes] = [Number(match[8]), Number(match[9])];
  if (at === undefined || hours > 23 || minutes > 59 || seconds > 60 || zoneMinutes > 59) return undefined;
  const zoneMs = (match[7] === '-' ? -1 : 1) * (zoneHours * 60 + zoneMinutes) * 60_000;
  return at + ((hours * 60 + minutes) * 60 + seconds) * 1_000 - zoneMs;
}

/** In UTC: `17-Jul-1996 09:44:25 +0000`. */
export function formatDateTime(ms: number): string {
  const date = new Date(ms);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${two(date.getUTCDate())}-${months[date.getUTCMonth()]}-${date.getUTCFullYear()}`;
  return `${day} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
}

/** A Date header's day as its sender wrote it, in days since 1970: SENTON and friends disregard the zone. */
export function sentDay(header: string): number | undefined {
  const match = /(\d{1,2})\s+([A-Za-z]{3})[A-Za-z]*\s+(\d{4})/.exec(header);
  return match === null ? undefined : parseDay(`${match[1]}-${match[2]}-${match[3]}`);
}

function dateOf(day = '', month = '', year = ''): number | undefined {
  const index = months.findIndex((name) => name.toLowerCase() === month.toLowerCase());
  const at = Date.UTC(Number(year), index, Number(day));
  // A 31st of June would become the 1st of July.
  return index < 0 || new Date(at).getUTCDate() !== Number(day) ? undefined : at;
}
