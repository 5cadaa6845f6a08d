/**
 * SMTP's order of commands, judged by the library smtp-server: what may stand where, with which arguments,
 * and the code of the answer. Of the workers only this file knows the library. What is offered and said, and
 * every SASL exchange, is the front's (fronts/smtp/): the library's base64 is lenient, its mechanisms lack
 * OAUTHBEARER, and its texts are not ours.
 *
 * It gets whole lines, one at a time, and none before the last one is answered; so nothing of a client's
 * waits inside it, and a dialogue is left by forgetting it. It holds no timer, no socket and no list of its
 * connections. test/unit/workers/smtp-dialogue.test.ts pins all that is used of the library's inside.
 */
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js';
import type { Dialogue, Judgement, OpenDialogue } from '#workers/fronts/smtp/dialogue';

/**
 * Gives what opens dialogues: one for a worker. The library's servers only hold options, and never listen.
 */
export function smtpDialogues(): OpenDialogue {
  const clear = new SMTPServer({ ...options, secure: false });
  const encrypted = new SMTPServer({ ...options, secure: true });
  return (isSecure) => openSparing(() => openDialogue(isSecure ? encrypted : clear));
}

/**
 * Nearly every client says EHLO with a plain name, then AUTH. These two have the judgements that the library
 * gives them, and it is asked from a client's first other word on: the EHLO is said to it before that. Its
 * streams are some 11 KiB a client that outlive collections of young objects: a sixth of what a submission
 * costs in all.
 */
function openSparing(open: () => Dialogue): Dialogue {
  let dialogue: Dialogue | undefined;
  let ehlo: string | undefined;
  return {
    judge: async (line) => {
      if (dialogue === undefined && ehlo === undefined && plainEhlo.test(line)) {
        ehlo = line;
        return ehloTaken;
      }
      if (dialogue === undefined && ehlo !== undefined && line === 'AUTH') return authMayBegin;
      if (dialogue === undefined) {
        dialogue = open();
        if (ehlo !== undefined) await dialogue.judge(ehlo);
      }
      return dialogue.judge(line);
    },
  };
}

/** A domain or an address literal, well within the length that the library takes. */
const plainEhlo = /^EHLO [A-Za-z0-9.:[\]-]{1,128}$/i;
const ehloTaken = { is: 'answered', code: 250 } as const;
const authMayBegin = { is: 'auth' } as const;

function openDialogue(server: SMTPServer): Dialogue {
  const lines = new Lines();
  const judge = new Judge(server, lines as unknown as Socket, { id: 'none' });
  judge.init();
  return {
    judge: (line) =>
      new Promise((settle) => {
        judge.settle = settle;
        lines.push(`${line}\r\n`);
      }),
  };
}

/** What the library takes for its client's socket: lines go in, and nothing comes out. */
class Lines extends Duplex {
  override _read(): void {}

  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }

  /** A session's time is the engine's to bound. */
  setTimeout(): this {
    return this;
  }
}

/** The library's connection, whose judgement we take and whose words we leave. */
class Judge extends SMTPConnection {
  settle: (judgement: Judgement) => void = () => undefined;

  /**
   * Ready at once. The library waits 100 ms for clients that speak before the greeting; RFC 6409 lets them.
   */
  override init(): void {
    this._setListeners(() => this.connectionReady());
  }

  /** Every line is answered just once. 220 is the greeting, which nobody waits for here, and STARTTLS's. */
  override send(code: number): void {
    this.settle(code === 220 ? { is: 'startTls' } : { is: 'answered', code });
  }

  /** TLS is the engine's; behind it there is a new dialogue. */
  override upgrade(): void {}

  /** The library would wait five seconds for its client to close. There is nothing open. */
  override close(): void {}

  /** A login may begin here. The rest of the line is a secret, and did not come in. */
  override handler_AUTH(_command: Buffer, callback: () => void): void {
    this.settle({ is: 'auth' });
    callback();
  }
}

const options: SMTPServerOptions = {
  logger: false,
  // Nobody hears it; unset, the system is asked for its name at every client.
  name: 'localhost',
  // The certificate is the engine's: no default one is made, and no warning said.
  secured: true,
  disableReverseLookup: true,
  // V23. The others are jokes of the library's.
  disabledCommands: ['XCLIENT', 'XFORWARD', 'WIZ', 'SHELL', 'KILL'],
  // Ours are the preamble's bytes, its time, and the mistakes that talk.ts counts.
  maxAllowedUnauthenticatedCommands: Infinity,
  onConnect: (_session, done) => done(),
  onSecure: (_socket, _session, done) => done(),
};
