/** Who may import whom: docs/architecture.md's table as data. The first row that fits a file is its row. */

export interface ImportRow {
  /** The files that the row is about. */
  readonly files: RegExp;
  /** The project's files that they may import, besides those of their own folder. */
  readonly may: readonly RegExp[];
  readonly packages: readonly string[];
  /** What they may take of the engine. */
  readonly native: 'nothing' | 'types' | 'values';
  /** False: no node:* modules. */
  readonly mayUseNode: boolean;
  /** The rule in words, which a failure quotes. */
  readonly rule: string;
}

const model = /^gateway\/model\//;
const lib = /^gateway\/lib\//;
const gateway = /^gateway\//;
const sharedByFronts = /^workers\/fronts\/[a-z-]+\.ts$/;

export const importTable: readonly ImportRow[] = [
  row(/^gateway\/model\//, 'model imports nothing', { may: [], mayUseNode: false }),
  row(/^gateway\/lib\/log\.ts$/, 'lib/log.ts imports lib and pino', { packages: ['pino'] }),
  row(/^gateway\/lib\/watch-file\.ts$/, 'lib/watch-file.ts imports lib and chokidar', {
    packages: ['chokidar'],
  }),
  row(/^gateway\/lib\//, 'lib knows no mail: it imports nothing outside itself', {}),
  row(/^gateway\/settings\//, 'settings import model, lib, zod, yaml', {
    may: [model, lib],
    packages: ['zod', 'yaml'],
  }),
  row(/^gateway\/monitors\//, "monitors import model, lib, the engine's types, imapflow, undici", {
    may: [model, lib],
    packages: ['imapflow', 'undici'],
    native: 'types',
  }),
  row(
    /^gateway\/doctor\/(certificate|look|observe|observe-logins|[a-z0-9]+-questions?)\.ts$/,
    "what looks at servers imports model, lib, settings, monitors, the engine's types",
    { may: [model, lib, /^gateway\/(settings|monitors)\//], native: 'types' },
  ),
  row(/^gateway\/doctor\//, 'the doctor judges purely: it imports model and the names of settings', {
    may: [model, /^gateway\/settings\/env-name\.ts$/],
    mayUseNode: false,
  }),
  row(/^gateway\/copy-sources\//, 'copy sources import model, lib, yaml, zod', {
    may: [model, lib],
    packages: ['yaml', 'zod'],
  }),
  row(/^gateway\/cluster\//, 'cluster is pure: it imports model and lib/assert', {
    may: [model, /^gateway\/lib\/assert\.ts$/],
    mayUseNode: false,
  }),
  row(/^gateway\/directory\//, "directory imports model, lib, the engine's types, ldapts, undici", {
    may: [model, lib],
    packages: ['ldapts', 'undici'],
    native: 'types',
  }),
  row(/^gateway\/routing\/publish\.ts$/, "routing/publish.ts imports model, cluster, the engine's types", {
    may: [model, /^gateway\/cluster\//],
    native: 'types',
  }),
  row(/^gateway\/routing\//, 'routing is pure: it imports model and cluster', {
    may: [model, /^gateway\/cluster\//, /^gateway\/lib\/assert\.ts$/],
    mayUseNode: false,
  }),
  row(
    /^gateway\/drain\/drainer\.ts$/,
    "drain/drainer.ts imports model, lib, routing/diff-table, the engine's types",
    {
      may: [model, lib, /^gateway\/routing\/diff-table\.ts$/],
      native: 'types',
    },
  ),
  row(/^gateway\/drain\//, 'drain imports model, lib, routing/diff-table', {
    may: [model, lib, /^gateway\/routing\/diff-table\.ts$/],
    mayUseNode: false,
  }),
  row(/^gateway\/store\//, 'store imports model and lib', { may: [model, lib] }),
  row(/^gateway\/pool\//, 'pool imports model, lib, piscina', { may: [model, lib], packages: ['piscina'] }),
  row(/^gateway\/peers\//, 'peers import model and lib', { may: [model, lib] }),
  row(/^gateway\/admin\//, 'admin imports model, lib, values of cluster and routing, fastify, prom-client', {
    may: [model, lib, /^gateway\/(cluster|routing)\//],
    packages: ['fastify', 'prom-client'],
    native: 'types',
  }),
  row(
    /^gateway\/cli\/(run|demo|start|doctor)(-command)?\.ts$/,
    'cli/run, demo, start and doctor import settings, lib, lab, main and what is beside it',
    {
      may: [model, lib, /^gateway\/(settings|admin|lab)\//, /^gateway\/[a-z-]+\.ts$/],
      packages: ['commander'],
    },
  ),
  row(
    /^gateway\/cli\//,
    "cli imports settings, the admin API's client, the doctor's report, lib, commander",
    {
      may: [model, lib, /^gateway\/(settings|admin|lab|doctor)\//],
      packages: ['commander'],
    },
  ),
  row(/^gateway\/lab\//, 'lab imports model, lib, smtp-server', {
    may: [model, lib],
    packages: ['smtp-server'],
  }),
  row(
    /^gateway\/(main|start-doctor)\.ts$/,
    "main and start-doctor import all of gateway, the engine's values, workers/route and fronts' words",
    {
      may: [gateway, /^workers\/route\.ts$/, /^workers\/fronts\//],
      native: 'values',
    },
  ),
  row(
    /^gateway\/[a-z-]+\.ts$/,
    "files beside main import all of gateway, the engine's types, workers/route and fronts' words",
    {
      may: [gateway, /^workers\/route\.ts$/, /^workers\/fronts\//],
      native: 'types',
    },
  ),
  row(
    /^workers\/fronts\/words\.ts$/,
    "words.ts gathers the fronts' words for the engine: it imports fronts",
    {
      may: [model, /^workers\/fronts\//],
      mayUseNode: false,
    },
  ),
  row(/^workers\/fronts\/[a-z-]+\.ts$/, 'what fronts share imports model', {
    may: [model, sharedByFronts],
    mayUseNode: false,
  }),
  row(/^workers\/fronts\//, 'a front imports model, what fronts share, and its own protocol', {
    may: [model, sharedByFronts],
    mayUseNode: false,
  }),
  row(/^workers\/route\.ts$/, 'route imports model', {
    may: [model],
    mayUseNode: false,
  }),
  row(/^workers\/smtp-dialogue\.ts$/, 'smtp-dialogue imports model, lib, fronts/smtp, smtp-server', {
    may: [model, lib, /^workers\/fronts\/smtp\//],
    packages: ['smtp-server'],
  }),
  row(/^workers\/serve\.ts$/, "serve imports workers, model, lib and the engine's values", {
    may: [model, lib, /^workers\//],
    native: 'values',
  }),
  row(/^workers\//, "sessions import workers but serve, model, lib and the engine's types", {
    may: [model, lib, /^workers\/(?!serve\.ts$)/],
    native: 'types',
  }),
];

/** The row of a file; undefined for tests and bench, which may import anything. */
export function importRowOf(path: string): ImportRow | undefined {
  return importTable.find(({ files }) => files.test(path));
}

/** True where both lie in the same part of the tree, whose files may always import one another. */
export function isSamePart(path: string, other: string): boolean {
  const part = partOf(path);
  return part !== undefined && part === partOf(other);
}

/** `gateway/cluster`, `workers/fronts/imap`; the files beside main and the sessions belong to no part. */
function partOf(path: string): string | undefined {
  return /^(gateway\/[^/]+|workers\/fronts\/[^/]+)\//.exec(path)?.[1];
}

interface Allowed {
  readonly may?: readonly RegExp[];
  readonly packages?: readonly string[];
  readonly native?: ImportRow['native'];
  readonly mayUseNode?: boolean;
}

function row(files: RegExp, rule: string, allowed: Allowed): ImportRow {
  const { may = [], packages = [], native = 'nothing', mayUseNode = true } = allowed;
  return { files, may, packages, native, mayUseNode, rule };
}
