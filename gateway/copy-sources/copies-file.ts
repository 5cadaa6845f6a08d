/**
 * The copy source `file`: a YAML or JSON file in which an operator, or a script, says where each database is.
 *
 *   databases:
 *     db1: { active: ex1, copies: [ex1, ex2], status: mounted, generation: 7 }
 *
 * `status` and `generation` may be left out. A file with a mistake changes nothing: the last good one stays.
 */
import { LineCounter, isMap, isScalar, isSeq, parseDocument } from 'yaml';
import type { Node, Pair, YAMLMap } from 'yaml';
import type { Clock, Moment } from '#lib/clock';
import { type Files, systemFiles } from '#lib/files';
import { faultWords } from '#lib/keep-going';
import type { Watch } from '#lib/watch-file';
import type { Claim, ClaimSet } from '#model/claim';
import type { DatabaseId, ServerId } from '#model/ids';
import { copyStatusOf } from './copy-status.ts';
import { wholeMax } from './json-shape.ts';
import type { ServerIdOf } from './server-names.ts';

export interface CopiesFileOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly serverIdOf: ServerIdOf;
  readonly onClaims: (set: ClaimSet) => void;
  /** "PATH line N: what is wrong", or "PATH does not exist". */
  readonly onProblem: (words: string) => void;
  /** This machine's disk unless given. */
  readonly files?: Files;
}

/** Reads the file now and after each change, until closed. */
export function startCopiesFile(options: CopiesFileOptions): Watch {
  const { path, clock, serverIdOf, onClaims, onProblem, files = systemFiles() } = options;
  return files.watch({
    path,
    clock,
    onChange() {
      try {
        readOnce();
      } catch (error) {
        onProblem(`${path} can't be taken: ${faultWords(error)}`);
      }
    },
  });

  function readOnce(): void {
    const file = files.read(path, copiesBytesMax);
    if ('trouble' in file) return onProblem(file.trouble);
    const parsed = parseCopiesFile(file.text, { path, serverIdOf, receivedAt: clock.now() });
    if ('problem' in parsed) return onProblem(parsed.problem);
    onClaims(parsed.claims);
  }
}

export interface CopiesFileReading {
  readonly path: string;
  readonly serverIdOf: ServerIdOf;
  readonly receivedAt: Moment;
}

export type CopiesParsed = { readonly claims: ClaimSet } | { readonly problem: string };

/** The claims of a whole file. The first mistake is told, with its line. */
export function parseCopiesFile(text: string, reading: CopiesFileReading): CopiesParsed {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true });
  const problemAt = (at: number, words: string): { problem: string } => ({
    problem: `${reading.path} line ${lines.linePos(at).line}: ${words}`,
  });
  const [error] = document.errors;
  if (error !== undefined) return problemAt(error.pos[0], error.message);

  const parsed = databasesOf(document.contents, reading);
  if ('words' in parsed) return problemAt(parsed.at, parsed.words);
  return { claims: { source: 'file', seq: undefined, claims: parsed, growsStale: false } };
}

/** What is wrong, and where in the text. */
interface Mistake {
  readonly at: number;
  readonly words: string;
}

function databasesOf(contents: Node | null, reading: CopiesFileReading): Claim[] | Mistake {
  if (!isMap(contents)) return mistake(contents, 'expected "databases:" and the databases below it');
  const fields = fieldsOf(contents, ['databases']);
  if ('words' in fields) return fields;
  const databases = fields.get('databases');
  if (!isMap(databases))
    return mistake(databases ?? contents, 'expected "databases:" and the databases below it');

  const claims: Claim[] = [];
  for (const pair of databases.items) {
    const claim = claimOf(pair, reading);
    if ('words' in claim) return claim;
    if (claims.some(({ database }) => database === claim.database)) {
      return mistake(pair.key, `the database ${claim.database} is there twice`);
    }
    claims.push(claim);
  }
  return claims;
}

function claimOf({ key, value }: Pair, { serverIdOf, receivedAt }: CopiesFileReading): Claim | Mistake {
  const database = textOf(key)?.trim().toLowerCase() ?? '';
  if (database === '' || database.length > 64) return mistake(key, 'expected the name of a database');
  if (!isMap(value))
    return mistake(value ?? key, `expected the fields of ${database}, such as { active: ex1 }`);
  const fields = fieldsOf(value, ['active', 'copies', 'status', 'generation']);
  if ('words' in fields) return fields;

  const active = serverOf(fields.get('active') ?? value, serverIdOf);
  if (typeof active === 'object') return active;
  const copies = copiesOf(fields.get('copies'), active, serverIdOf);
  if ('words' in copies) return copies;
  const status = statusOf(fields.get('status'));
  if (typeof status === 'object') return status;
  const epoch = epochOf(fields.get('generation'));
  if (typeof epoch === 'object') return epoch;
  return {
    source: 'file',
    database: database as DatabaseId,
    activeServer: active,
    // Of the passive copies the file says only where they are.
    copies: copies.map((server, index) => ({
      server,
      status: server === active ? status : 'Healthy',
      activationPreference: index + 1,
    })),
    epoch,
    receivedAt,
    growsStale: false,
  };
}

function serverOf(node: unknown, serverIdOf: ServerIdOf): ServerId | Mistake {
  const name = textOf(node);
  if (name === undefined) return mistake(node, 'expected "active:" and the name of a server');
  return serverIdOf(name) ?? mistake(node, `"${name.slice(0, 64)}" is no server of POSTERN_SERVERS`);
}

function copiesOf(node: unknown, active: ServerId, serverIdOf: ServerIdOf): ServerId[] | Mistake {
  if (node === undefined) return [active];
  if (!isSeq(node)) return mistake(node, 'expected a list of servers, such as [ex1, ex2]');
  const copies: ServerId[] = [];
  for (const item of node.items) {
    const server = serverOf(item, serverIdOf);
    if (typeof server === 'object') return server;
    if (copies.includes(server)) return mistake(item, `the server ${server} is there twice`);
    copies.push(server);
  }
  return copies.includes(active)
    ? copies
    : mistake(node, `the active server ${active} is not among the copies`);
}

/** Not said means mounted: a file that names the active server means that it serves. */
function statusOf(node: unknown): ReturnType<typeof copyStatusOf> | Mistake {
  if (node === undefined) return 'Mounted';
  const status = copyStatusOf(textOf(node) ?? '');
  // A person wrote this, so a word that is no status is a slip of the pen, not news from a later version.
  return status === 'Unknown'
    ? mistake(node, 'expected mounted, mounting, dismounted or dismounting')
    : status;
}

function epochOf(node: unknown): number | undefined | Mistake {
  if (node === undefined) return undefined;
  const value = isScalar(node) ? node.value : undefined;
  const isWhole = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= wholeMax;
  return isWhole ? value : mistake(node, 'expected a whole number');
}

function fieldsOf(map: YAMLMap, known: readonly string[]): Map<string, unknown> | Mistake {
  const fields = new Map<string, unknown>();
  for (const { key, value } of map.items) {
    const name = textOf(key);
    if (name === undefined || !known.includes(name)) {
      return mistake(key, `"${(name ?? '').slice(0, 64)}" is not known here; known: ${known.join(', ')}`);
    }
    if (value !== null) fields.set(name, value);
  }
  return fields;
}

/** A name that looks like a number (`1: ...`) is a name all the same. */
function textOf(node: unknown): string | undefined {
  if (!isScalar(node)) return undefined;
  if (typeof node.value === 'number') return node.source ?? String(node.value);
  return typeof node.value === 'string' ? node.value : undefined;
}

function mistake(node: unknown, words: string): Mistake {
  const range = typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
  return { at: Array.isArray(range) && typeof range[0] === 'number' ? range[0] : 0, words };
}

/** 4,096 databases with their copies are 400 KiB. */
const copiesBytesMax = 1024 * 1024;
