/**
 * A worker: gives the engine's events to their sessions, keeps the routing table, and answers the main
 * thread.
 * What a session does is login-session.ts's. The engine, the clock and the batching are arguments, so that a
 * scripted engine can stand in; serve.ts passes the real ones.
 */
import type { Clock } from '#lib/clock';
import { codeOf, endReasonOf } from '#model/end-reason';
import type { SessionId } from '#model/ids';
import type { FromWorker, FrontendConfig, ToWorker, WorkerConfig, WorkerTask } from '#model/messages';
import type { RoutingTable } from '#model/routing-table';
import type { Front } from '#workers/fronts/front';
import { imapFront } from '#workers/fronts/imap/imap-front';
import { pop3Front } from '#workers/fronts/pop3/pop3-front';
import { sieveFront } from '#workers/fronts/sieve/sieve-front';
import type { OpenDialogue } from '#workers/fronts/smtp/dialogue';
import { submissionFront } from '#workers/fronts/smtp/submission-front';
import {
  type EngineEvent,
  type EngineLink,
  createInbox,
  createOutbox,
  events,
  noDatabase,
  ops,
} from './engine-link.ts';
import { type LoginSessionDeps, runLoginSession } from './login-session.ts';
import type { Mailbox, Router } from './place.ts';
import { type Report, createReport } from './report.ts';
import { decideRoute } from './route.ts';
import { Session, type SessionDeps, clientFactsOf, tlsFactsOf } from './session.ts';

export interface WorkerEnvironment {
  join(index: number, wake: () => void): EngineLink;
  readonly clock: Clock;
  /** Runs it in a later turn, when ports and timers have had theirs. */
  schedule(run: () => void): void;
  /** Runs it once the current batch, with all that follows from it, is over. */
  settle(run: () => void): void;
  /** What judges the commands of submission: smtp-dialogue.ts, or a stand-in where nobody submits. */
  readonly openDialogue: OpenDialogue;
}

/**
 * Runs until the main thread says stop. Rejects where the engine itself fails, never for a session's sake.
 */
export function runWorker(task: WorkerTask, environment: WorkerEnvironment): Promise<void> {
  return new Promise((resolve, reject) => {
    const guarded = (run: () => void) => (): void => {
      try {
        run();
      } catch (error) {
        reject(error);
      }
    };
    const link = environment.join(
      task.index,
      guarded(() => takeEvents()),
    );
    const settle = (run: () => void): void => environment.settle(guarded(run));
    const inbox = createInbox(link);
    const report = createReport(task.port, environment.clock);
    const { clock, openDialogue } = environment;
    const sessions = openSessions(task, { link, settle, clock, report, openDialogue });

    function takeEvents(): void {
      for (let round = 0; round < roundsMax; round++) {
        if (!inbox.read(sessions.take)) return;
      }
      // The port and the timers must have their turn under any load.
      environment.schedule(guarded(takeEvents));
    }

    task.port.on('message', (message) => {
      const told = message as ToWorker;
      switch (told.type) {
        case 'table':
          return sessions.useTable(told.table);
        case 'ping':
          report.heard();
          return task.port.postMessage({
            type: 'pong',
            at: told.at,
            sessions: sessions.count(),
          } satisfies FromWorker);
        case 'stop':
          sessions.flush();
          link.leave();
          task.port.close();
          return resolve();
      }
    });
    task.port.postMessage({ type: 'up' } satisfies FromWorker);
    guarded(takeEvents)();
  });
}

interface SessionsDeps {
  readonly link: EngineLink;
  readonly settle: (run: () => void) => void;
  readonly clock: Clock;
  readonly report: Report;
  readonly openDialogue: OpenDialogue;
}

/** The sessions of a worker that are still in their preamble. */
interface Sessions {
  /** Gives an event to its session. One for a session that is gone is dropped. */
  take(this: void, event: EngineEvent): void;
  useTable(table: RoutingTable): void;
  count(): number;
  flush(): void;
}

function openSessions(task: WorkerTask, deps: SessionsDeps): Sessions {
  const { link, settle, clock, report, openDialogue } = deps;
  const byId = new Map<SessionId, Session>();
  const outbox = createOutbox(link, settle);
  let { table } = task;
  const { loginAttemptsMax, holdForMs } = task.config;
  const pages = task.config.frontends.map((frontend): LoginSessionDeps => {
    const door = openDoor(frontend, task.config, { link, openDialogue, table: () => table });
    return { ...door, clock, loginAttemptsMax, holdForMs, warn: report.warn };
  });
  const onGone = (id: SessionId): void => void byId.delete(id);
  const sessionDeps = pages.map(({ front }): SessionDeps => {
    return { outbox, clock, hasLiterals: front.hasLiterals, onGone };
  });

  function open({ id, argument, text }: EngineEvent): void {
    const page = pages[argument & frontendMask];
    const deps = sessionDeps[argument & frontendMask];
    if (page === undefined || deps === undefined)
      return outbox.put(ops.end, id, codeOf('internal_error'), '');
    const session = new Session(id, clientFactsOf(id, text, (argument & greetedBit) !== 0), deps);
    byId.set(id, session);
    runLoginSession(session, page).catch((error: unknown) => fail(session, page.front, error));
  }

  /** A fault of ours in one session: it ends alone, with a temporary failure, and is reported. */
  function fail(session: Session, front: Front, error: unknown): void {
    report.fault(`session ${session.client.sessionId}`, error);
    session.end('internal_error', front.lastWords('internal_error'));
  }

  return {
    take(event) {
      if (event.kind === events.opened) return open(event);
      const session = byId.get(event.id);
      if (session !== undefined) tell(session, event);
    },
    useTable(next) {
      table = next;
      for (const session of byId.values()) session.onTable();
    },
    count: () => byId.size,
    flush: outbox.flush,
  };
}

function tell(session: Session, { kind, argument, text }: EngineEvent): void {
  switch (kind) {
    case events.line:
      return session.onLine(text, argument);
    case events.literal:
      return session.onLiteral(text, argument);
    case events.tlsReady: {
      const tls = tlsFactsOf(text.split(' '));
      return tls && session.onTlsReady(tls);
    }
    case events.handoffRefused:
      return session.onHandoff({ is: 'refused', line: text });
    case events.handoffFailed: {
      const isUntouched = (argument & untouchedBit) !== 0;
      return session.onHandoff({ is: 'failed', reason: endReasonOf(argument & reasonMask), isUntouched });
    }
    case events.spliced:
      return session.onSpliced();
    case events.closed:
      return session.onClosed(endReasonOf(argument));
    case events.fault:
      return session.onFault(endReasonOf(argument));
  }
}

/** A frontend's front and its way to servers. */
interface Door {
  readonly front: Front;
  readonly router: Router;
}

function openDoor(
  frontend: FrontendConfig,
  config: WorkerConfig,
  state: {
    readonly link: EngineLink;
    readonly openDialogue: OpenDialogue;
    readonly table: () => RoutingTable;
  },
): Door {
  const { link, openDialogue, table } = state;
  const found = new Uint32Array(3);
  const router: Router = {
    mailboxOf(mailboxKey) {
      link.lookup(mailboxKey, found);
      const [low = 0, high = 0, database = noDatabase] = found;
      return { low, high, database: database === noDatabase ? -1 : database };
    },
    decide: ({ low, high, database }: Mailbox, avoid) =>
      decideRoute(table(), {
        protocol: frontend.protocol,
        database,
        pinnedServer: link.pinOf(low, high),
        hashedServer: link.hashServer(low, high),
        mailboxLow: low,
        avoid,
      }),
  };
  return { front: frontOf(frontend, config, openDialogue), router };
}

function frontOf(
  { protocol, baseline, tls }: FrontendConfig,
  config: WorkerConfig,
  openDialogue: OpenDialogue,
): Front {
  const { hostname, greetingTimeoutMs, loginTimeoutMs } = config;
  const hasStartTls = tls === 'starttls';
  const settings = { hostname, baseline, hasStartTls, greetingTimeoutMs, loginTimeoutMs };
  switch (protocol) {
    case 'imap':
      return imapFront(settings);
    case 'pop3':
      return pop3Front(settings);
    case 'sieve':
      return sieveFront(settings);
    case 'submission':
      return submissionFront({ ...settings, openDialogue });
  }
}

/** `opened` and `handoffFailed` carry a number of 16 bits and one mark above it. */
const frontendMask = 0xffff;
const greetedBit = 0x1_0000;
const reasonMask = 0xffff;
const untouchedBit = 0x1_0000;

/** A batch has at most 4,096 events: 65,536 in one turn of the event loop are enough. */
const roundsMax = 16;
