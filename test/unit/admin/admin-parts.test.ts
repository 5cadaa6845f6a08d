import { expect, test } from 'vitest';
import { type AdminPartsSources, adminPartsOf } from '#gateway/admin-parts';
import type { Snapshot } from '#gateway/admin/snapshot';
import { codeOf } from '#model/end-reason';
import type { Goodbye, Selection } from '#native';
import { mailboxKeyOf } from '#workers/fronts/sasl';
import { recordingLog } from '../../support/recording-log.ts';

// An operator copies a login name out of the log: it must find the sessions that the login has opened.
test.each([
  ['ann@demo.test', 'ann@demo.test'],
  ['ann@demo.test*owner', 'ann@demo.test'],
  ['CORP/ann/shared@demo.test', 'shared@demo.test'],
  ['CORP\\ann\\shared@demo.test', 'shared@demo.test'],
  ['CORP/ann', 'CORP/ann'],
])('kick, who and whereis take %s for the mailbox %s', async (name, mailbox) => {
  const { parts, selected, told } = adminParts();
  expect(parts.whereis(name)).toMatchObject({ mailbox, reason: `${mailbox} was looked up` });
  await parts.who({ user: name });
  expect(await parts.kick(name)).toEqual({ mailbox, ended: 2 });
  expect(selected).toEqual([{ mailboxId: `id of ${mailbox}` }, { mailboxId: `id of ${mailbox}` }]);
  expect(told).toEqual([{ reason: codeOf('kicked'), perSecond: 0, windowMs: 2_000 }]);
});

function adminParts() {
  const selected: Selection[] = [];
  const told: Goodbye[] = [];
  let lookedUp = '';
  const sources: AdminPartsSources = {
    engine: {
      lookupMailbox: (key) => {
        lookedUp = key;
        return { id: `id of ${key}`, database: -1, pinnedServer: -1, hashedServer: -1 };
      },
      sessions: async (selection) => (selected.push(selection), []),
      goodbye: async (selection, goodbye) => (selected.push(selection), told.push(goodbye), 2),
    },
    snapshot: () => nothingKnown,
    decide: () => ({ is: 'refuse', why: `${lookedUp} was looked up` }),
    keyOf: mailboxKeyOf,
    setAdmin: () => {},
    log: recordingLog(),
  };
  return { parts: adminPartsOf(sources), selected, told };
}

/** As far as a mailbox is looked up in it. */
const nothingKnown = {
  now: 0,
  protocols: ['imap'],
  table: { servers: [], databases: [], unknownMailbox: { then: 'refuse' } },
  directory: { databases: [] },
} as unknown as Snapshot;
