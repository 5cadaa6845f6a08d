/**
 * Compares secrets in a time that tells nothing of where they differ, nor of how long the expected one is.
 */
import { createHash, timingSafeEqual } from 'node:crypto';

/** True where both are the same text. */
export function secretsEqual(given: string, expected: string): boolean {
  // timingSafeEqual wants equal lengths, and refusing other lengths early would tell the length.
  return timingSafeEqual(digestOf(given), digestOf(expected));
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}
