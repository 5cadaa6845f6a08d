/**
 * The commands that ask a running gateway: status, whereis, who, kick, drain, ready, maintenance. Each finds
 * the gateway's socket, asks one thing, and prints a table, or with --json the document as it came.
 */
import type { Command } from 'commander';
import { type AdminClient, type Answer, findGateway } from '#gateway/admin/client';
import type { AdminStateDocument, KickDocument, StatusDocument } from '#gateway/admin/api';
import type { WhereisDocument, WhoDocument } from '#gateway/admin/api';
import { adminSocketCandidates } from '#gateway/settings/admin-socket';
import { exitCodes } from './exit-codes.ts';
import type { CommandIo } from './io.ts';
import { statusText, whereisText, whoText } from './texts.ts';

interface Options {
  readonly json?: boolean;
  readonly user?: string;
  readonly server?: string;
  readonly database?: string;
  readonly limit?: string;
}

/** Adds them to the program. */
export function addClientCommands(program: Command, io: CommandIo): void {
  program
    .command('status')
    .description('servers, databases, sources, workers, and what is wrong')
    .option('--json', 'the whole document')
    .action((options: Options) =>
      ask<StatusDocument>(io, { options, question: (client) => client.get('/v1/status'), text: statusText }),
    );
  program
    .command('whereis')
    .argument('<mailbox>', 'a login name')
    .description('where a login would go now, and why')
    .option('--json', 'the whole document')
    .action((mailbox: string, options: Options) => {
      const path = `/v1/whereis?${new URLSearchParams({ mailbox })}`;
      return ask<WhereisDocument>(io, { options, question: (client) => client.get(path), text: whereisText });
    });
  program
    .command('who')
    .description('the sessions there are')
    .option('--user <mailbox>', 'only of this mailbox, by any of its names')
    .option('--server <server>', 'only on this server')
    .option('--database <database>', 'only of this database')
    .option('--limit <count>', 'at most so many (1000)')
    .option('--json', 'the whole document')
    .action((options: Options) =>
      ask<WhoDocument>(io, { options, question: (client) => client.get(whoPath(options)), text: whoText }),
    );
  addChangeCommands(program, io);
}

function addChangeCommands(program: Command, io: CommandIo): void {
  program
    .command('kick')
    .argument('<mailbox>', 'a login name')
    .description('ends all sessions of a mailbox')
    .option('--json', 'the whole document')
    .action((mailbox: string, options: Options) =>
      ask<KickDocument>(io, {
        options,
        question: (client) => client.post('/v1/kick', { mailbox }),
        text: (told) => `${count(told.ended, 'session')} of ${told.mailbox} told to end\n`,
      }),
    );
  for (const [state, description] of Object.entries(adminStates)) {
    program
      .command(state)
      .argument('<server>', 'its name in POSTERN_SERVERS')
      .description(description)
      .option('--json', 'the whole document')
      .action((server: string, options: Options) =>
        ask<AdminStateDocument>(io, {
          options,
          question: (client) => client.post(`/v1/servers/${encodeURIComponent(server)}/${state}`),
          text: ({ server: id, admin, sessions }) =>
            `server ${id} is set to ${admin}; ${count(sessions, 'session')} on it
`,
        }),
      );
  }
}

const adminStates = {
  ready: 'lets a server serve again',
  drain: 'gives a server no new sessions',
  maintenance: 'gives a server no new sessions and ends those it has',
};

interface Asked<Document> {
  readonly options: Options;
  readonly question: (client: AdminClient) => Promise<Answer<Document>>;
  readonly text: (document: Document) => string;
}

async function ask<Document>(io: CommandIo, { options, question, text }: Asked<Document>): Promise<void> {
  const client = await findGateway(adminSocketCandidates(io.env, io), io.uid);
  if (typeof client === 'string') return fail(io, client);
  const answer = await question(client);
  if (answer.is !== 'answered') return fail(io, answer.words);
  io.print(
    options.json === true ? `${JSON.stringify(answer.document, undefined, 2)}\n` : text(answer.document),
  );
}

function fail(io: CommandIo, sentence: string): void {
  io.complain(sentence);
  io.setExitCode(exitCodes.runtime);
}

function whoPath({ user, server, database, limit }: Options): string {
  const given = Object.entries({ user, server, database, limit }).filter(
    (entry): entry is [string, string] => entry[1] !== undefined,
  );
  return `/v1/sessions?${new URLSearchParams(given)}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
