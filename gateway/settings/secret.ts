/** A value that shows only to those who ask for it by name. */
import { inspect } from 'node:util';
import type { Secret } from './settings.ts';

/** Wraps a secret: JSON, string interpolation and inspection show `***`; only `reveal()` gives the text. */
export function secretOf(text: string): Secret {
  const masked = (): '***' => '***';
  return Object.freeze({
    reveal: () => text,
    toString: masked,
    toJSON: masked,
    [inspect.custom]: masked,
  });
}
