/** One login through the gateway, as a client would: IMAPS, LOGIN, and what came of it. */
import { type TLSSocket, connect } from 'node:tls';

/** Where clients reach the gateway, and the certificate that they must see there. */
export interface GatewayDoor {
  readonly host: string;
  readonly port: number;
  readonly certificatePem: string;
}

export type LoginOutcome =
  /** `server`: who the text of the OK names. */
  { readonly is: 'good'; readonly server: string } | { readonly is: 'failed'; readonly why: string };

/** The lab's servers say "ann@demo.test logged in on ex1" (imap/session.ts). */
const loggedIn = /^a1 OK .* logged in on ([a-z0-9-]+)\r?$/m;
const answerBytesMax = 16 * 1024;

/** Settles when the gateway has answered, has closed, or the signal says stop. Never rejects. */
export function tryLogin(
  door: GatewayDoor,
  account: { readonly mailbox: string; readonly password: string },
  signal: AbortSignal,
): Promise<LoginOutcome> {
  return new Promise((resolve) => {
    const socket = connect({
      host: door.host,
      port: door.port,
      ca: door.certificatePem,
      servername: 'localhost',
    });
    let text = '';
    const settle = (outcome: LoginOutcome) => {
      signal.removeEventListener('abort', stop);
      close(socket);
      resolve(outcome);
    };
    const stop = () => settle({ is: 'failed', why: 'no answer in time' });
    signal.addEventListener('abort', stop);
    if (signal.aborted) return stop();

    socket.on('secureConnect', () => socket.write(`a1 LOGIN "${account.mailbox}" "${account.password}"\r\n`));
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
      const outcome = outcomeOf(text);
      if (outcome !== undefined) settle(outcome);
    });
    socket.on('error', (error) => settle({ is: 'failed', why: error.message }));
    socket.on('close', () => settle({ is: 'failed', why: 'closed without an answer' }));
  });
}

/** Undefined until the answer is there. */
export function outcomeOf(text: string): LoginOutcome | undefined {
  const server = loggedIn.exec(text)?.[1];
  if (server !== undefined) return { is: 'good', server };
  const refusal = /^(?:a1 (?:NO|BAD|OK)|\* BYE) .*(?=\r\n)/m.exec(text)?.[0];
  if (refusal !== undefined) return { is: 'failed', why: refusal };
  return text.length > answerBytesMax ? { is: 'failed', why: 'a flood of words' } : undefined;
}

function close(socket: TLSSocket): void {
  socket.removeAllListeners('data').removeAllListeners('close');
  if (socket.writable) socket.end('a2 LOGOUT\r\n');
  socket.setTimeout(closeTimeoutMs, () => socket.destroy());
}

const closeTimeoutMs = 500;
