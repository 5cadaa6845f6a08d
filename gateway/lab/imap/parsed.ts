/** A message's part tree, parsed once for as long as the message lives. */
import { type Part, parseMessage } from './mime.ts';

const trees = new WeakMap<Buffer, Part>();

export function partsOf(bytes: Buffer): Part {
  const known = trees.get(bytes);
  if (known !== undefined) return known;
  const tree = parseMessage(bytes);
  trees.set(bytes, tree);
  return tree;
}
