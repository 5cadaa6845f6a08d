/** All rivals, in the order of the table's columns. The first is the one that the table's ratios are to. */
import type { SubjectKind } from '../subject.ts';
import { findDovecot } from './dovecot.ts';
import { findEnvoy } from './envoy.ts';
import { findHaproxy, findNewHaproxy } from './haproxy.ts';
import { findHitch } from './hitch.ts';
import { findNginxMail } from './nginx-mail.ts';
import { findNginxStream } from './nginx-stream.ts';

/** Each is looked for where it would be; one that is missing says what would mend that. */
export function findRivals(): readonly SubjectKind[] {
  return [
    findHaproxy(),
    findNewHaproxy(),
    findEnvoy(),
    findNginxStream(),
    findHitch(),
    ...findNginxMail(),
    findDovecot(),
  ];
}
