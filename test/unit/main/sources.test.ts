import { expect, test } from 'vitest';
import type { Refusal } from '#gateway/cluster/known-databases';
import { startSources } from '#gateway/start-sources';
import type { ClaimSet } from '#model/claim';
import { fakeClock } from '../../support/fake-clock.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { settingsOf } from '../settings/site.ts';

test('a document that was overtaken is answered with a note, and logged once until one counts again', () => {
  const { receive, log, cluster } = start();
  expect(receive(2)).toEqual({ notes: [] });
  cluster.refusal = { is: 'overtaken', words: 'its "seq" 1 is not above 2' };
  expect(receive(1)).toEqual({ notes: ['does not count: its "seq" 1 is not above 2'] });
  receive(1);
  const line = 'copy source agent:ex1: a document does not count: its "seq" 1 is not above 2';
  expect(log.lines.filter((text) => text.includes(line))).toHaveLength(1);
  cluster.refusal = undefined;
  receive(3);
  cluster.refusal = { is: 'overtaken', words: 'its "seq" 1 is not above 2' };
  receive(1);
  expect(log.lines.filter((text) => text.includes(line))).toHaveLength(2);
});

test('a document with too many databases is refused, and is a problem until one is taken', () => {
  const { receive, sources, cluster } = start();
  cluster.refusal = { is: 'tooMany', words: 'more than 4096 databases' };
  expect(receive(1)).toEqual({ problem: 'more than 4096 databases' });
  expect([...sources.problems()]).toEqual([['agent', 'more than 4096 databases']]);
  cluster.refusal = undefined;
  expect(receive(2)).toEqual({ notes: [] });
  expect([...sources.problems()]).toEqual([]);
});

function start() {
  const log = recordingLog();
  const cluster: { refusal: Refusal | undefined } = { refusal: undefined };
  const sets: ClaimSet[] = [];
  const sources = startSources({
    settings: settingsOf({ POSTERN_COPY_SOURCES: 'agent' }),
    isInDirectory: () => false,
    onClaims: (set) => {
      sets.push(set);
      return cluster.refusal;
    },
    clock: fakeClock(),
    log,
  });
  const receive = (seq: number) =>
    sources.agent.receive(JSON.stringify({ schema: 'edge-topology/1', agent: 'ex1', seq, databases: [] }));
  return { receive, sources, log, cluster, sets };
}
