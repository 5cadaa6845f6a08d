/** The documents of the admin API as text for people. PURE. */
import { safeText } from '#lib/safe-text';
import type { Fact, ProtocolAnswer, StatusDocument, WhereisDocument, WhoDocument } from '#gateway/admin/api';
import { formatBytes, formatDuration, textTable } from './text-table.ts';

const none = '-';

export function statusText(status: StatusDocument): string {
  const { sessions, directory } = status;
  const { hostname, state, version, uptimeMs, revision } = status;
  const since = `${state} for ${formatDuration(uptimeMs)}`;
  const head = `${hostname}: Postern ${version}, ${since}, routing table ${revision}\n`;
  const listeners = status.listeners.map(({ frontend, address }) => `${frontend} ${address}`).join(', ');
  return [
    head,
    `listens on ${listeners}\n`,
    `${sessions.open} open sessions, ${sessions.opened} since the start\n`,
    directory.path === null
      ? 'no directory\n'
      : `${directory.mailboxes} mailboxes, ${directory.keys} names\n`,
    `\n${textTable(['SERVER', 'ADMIN', 'PROTOCOL', 'ADDRESS', 'HEALTH'], serverRows(status))}`,
    `\n${textTable(['DATABASE', 'STATE', 'SERVER', 'GENERATION', 'POLICY', 'COPIES'], databaseRows(status))}`,
    `\n${textTable(['SOURCE', 'AGE', 'STATE'], sourceRows(status))}`,
    `\n${textTable(['WORKER', 'STATE', 'RESTARTS', 'SESSIONS', 'QUEUED'], workerRows(status))}`,
    status.problems.length === 0 ? '\nnothing is wrong\n' : `\nwrong:\n${list(status.problems)}`,
  ].join('');
}

/** One answer when all protocols have the same; else one for each, behind the protocol's name. */
export function whereisText(where: WhereisDocument): string {
  const answers = sameAnswers(where.protocols);
  const rows = [
    ['mailbox', where.mailbox],
    ['database', where.database ?? 'not in the directory'],
    ['generation', where.generation === null ? none : String(where.generation)],
    ...answers.flatMap(({ protocols, server, reason, ifItDied }) => [
      [answers.length === 1 ? 'server' : protocols.join(', '), server ?? 'nobody now'],
      ['reason', reason],
      ['if it died', ifItDied],
    ]),
  ];
  const width = Math.max(...rows.map(([name = '']) => name.length));
  const lines = rows.map(
    ([name = '', value = '']) => `${name.padEnd(width)}  ${safeText(value, lineBytesMax)}\n`,
  );
  return `${lines.join('')}\n${textTable(['FACT', 'SOURCE', 'AGE'], where.facts.map(factRow))}`;
}

interface SharedAnswer extends Omit<ProtocolAnswer, 'protocol'> {
  readonly protocols: string[];
}

function sameAnswers(answers: readonly ProtocolAnswer[]): SharedAnswer[] {
  const shared: SharedAnswer[] = [];
  for (const { protocol, ...answer } of answers) {
    const { server, reason, ifItDied } = answer;
    const same = shared.find(
      (each) => each.server === server && each.reason === reason && each.ifItDied === ifItDied,
    );
    if (same === undefined) shared.push({ ...answer, protocols: [protocol] });
    else same.protocols.push(protocol);
  }
  return shared;
}

export function whoText({ sessions, isCut }: WhoDocument): string {
  const head = [
    'SESSION',
    'USER',
    'CLIENT',
    'FRONTEND',
    'PHASE',
    'DATABASE',
    'SERVER',
    'AGE',
    'IDLE',
    'IN',
    'OUT',
  ];
  const rows = sessions.map((row) => [
    row.session,
    row.user === '' ? none : row.user,
    row.clientAddress,
    row.frontend,
    row.phase,
    row.database ?? none,
    row.server ?? none,
    formatDuration(row.ageMs),
    formatDuration(row.idleMs),
    formatBytes(row.bytesIn),
    formatBytes(row.bytesOut),
  ]);
  return `${textTable(head, rows)}${isCut ? 'there are more; ask with a filter or a larger --limit\n' : ''}`;
}

function serverRows({ servers }: StatusDocument): string[][] {
  return servers.flatMap(({ server, admin, protocols }) =>
    protocols.map(({ protocol, address, health, why }) => [
      server,
      admin,
      protocol,
      address,
      why === '' ? health : `${health}: ${why}`,
    ]),
  );
}

function databaseRows({ databases }: StatusDocument): string[][] {
  return databases.map((row) => [
    row.database,
    row.fault === '' ? row.state : `${row.state}, ${row.fault}`,
    row.server ?? none,
    row.generation === null ? none : String(row.generation),
    row.policy,
    row.copies.join(', '),
  ]);
}

function sourceRows({ sources }: StatusDocument): string[][] {
  return sources.map(({ source, ageMs, isStale, problem }) => [
    source,
    ageMs === null ? none : formatDuration(ageMs),
    problem === '' ? (isStale ? 'silent' : 'fresh') : `refused: ${problem}`,
  ]);
}

function workerRows({ workers }: StatusDocument): string[][] {
  return workers.map(({ index, state, restarts, sessions, queued }) => [
    String(index),
    state,
    String(restarts),
    String(sessions),
    String(queued),
  ]);
}

function factRow({ what, source, ageMs }: Fact): string[] {
  return [what, source, ageMs === null ? none : formatDuration(ageMs)];
}

function list(sentences: readonly string[]): string {
  return sentences.map((sentence) => `  ${safeText(sentence, lineBytesMax)}\n`).join('');
}

const lineBytesMax = 1024;
