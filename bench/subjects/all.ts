/** All subjects, in the order of the table's columns: the floor, Postern, the rivals. */
import { findRivals } from '../rivals/all.ts';
import type { SubjectKind } from '../subject.ts';
import { direct } from './direct.ts';
import { findPostern } from './postern.ts';

/** Installed or not; what is not says what is missing. The table's ratios are to the first rival. */
export function findSubjects(root: string): readonly SubjectKind[] {
  return [direct, findPostern(root), ...findRivals()];
}
