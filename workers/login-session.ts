/**
 * READ THIS FIRST: the life of a session in which a user logs in (IMAP; POP3, ManageSieve and submission
 * have the same shape), from the greeting until its bytes flow through the engine alone.
 *
 * Beside it: fronts/imap/preamble.ts (what is said before the login), route.ts (which server, and why),
 * place.ts (waiting for one), open-server.ts (the handoff and its retries), session.ts (the engine's side).
 */
import { type OpenDeps, openServer } from './open-server.ts';
import type { Session } from './session.ts';

export interface LoginSessionDeps extends OpenDeps {
  /** Refused logins after which the session ends. */
  readonly loginAttemptsMax: number;
}

/** Runs one session. Every way out is an end reason or a splice; what clients and servers do never throws. */
export async function runLoginSession(session: Session, deps: LoginSessionDeps): Promise<void> {
  const { front } = deps;
  const preamble = front.begin(session);
  for (let attempt = 0; attempt < deps.loginAttemptsMax; attempt++) {
    const conversed = await preamble.converse();
    if (conversed.is === 'over') return session.end(conversed.reason, conversed.lastWords);

    session.name(conversed.login.user);
    const opened = await openServer(session, conversed.login, deps);
    if (opened.is === 'spliced') return;
    if (opened.is === 'over') {
      return session.end(opened.reason, opened.lastWords ?? front.lastWords(opened.reason));
    }

    if (opened.isJudged) session.refuse(opened.reply);
    else session.reply(opened.reply);
  }
  session.end('too_many_failures', front.lastWords('too_many_failures'));
}
