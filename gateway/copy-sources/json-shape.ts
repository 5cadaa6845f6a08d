/**
 * Looks into parsed JSON whose shape is not known yet. Each question gives a value of its type, or
 * undefined.
 */

export type JsonObject = Readonly<Record<string, unknown>>;

/** True for an object that is no array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A text of 1 to `lengthMax` characters. */
export function textIn(object: JsonObject, key: string, lengthMax = 255): string | undefined {
  const value = object[key];
  return typeof value === 'string' && value !== '' && value.length <= lengthMax ? value : undefined;
}

/** A whole number from 0 to `max`. */
export function wholeIn(object: JsonObject, key: string, max: number = wholeMax): number | undefined {
  const value = object[key];
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max
    ? value
    : undefined;
}

export function listIn(object: JsonObject, key: string): readonly unknown[] | undefined {
  const value = object[key];
  return Array.isArray(value) ? value : undefined;
}

/** True where the key is there and not null. */
export function hasValue(object: JsonObject, key: string): boolean {
  return object[key] !== undefined && object[key] !== null;
}

/** Half of what a number holds exactly, so that a generation above an epoch still is one. */
export const wholeMax = 2 ** 52;
