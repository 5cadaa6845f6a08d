/** Asks the gateway's admin API over its unix socket, as the `postern` command does, but without its code. */
import { request } from 'node:http';

export interface AdminAnswer {
  readonly status: number;
  readonly text: string;
  /** The text as JSON; throws where it is none. */
  json<Document>(): Document;
}

export interface AdminRequest {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One request: `askAdmin(socketPath, 'GET /v1/status')`. A body that is text goes as it is. */
export function askAdmin(
  socketPath: string,
  line: string,
  { body, headers = {} }: AdminRequest = {},
): Promise<AdminAnswer> {
  const [method = 'GET', path = '/'] = line.split(' ');
  const text = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
  const kind =
    text === ''
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text)) };
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath, method, path, headers: { ...kind, ...headers }, timeout: 10_000 },
      (response) => {
        let received = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (received += chunk));
        response.once('error', reject).once('end', () => {
          resolve({ status: response.statusCode ?? 0, text: received, json: () => JSON.parse(received) });
        });
      },
    );
    asked.once('timeout', () => asked.destroy(new Error(`no answer to ${line}`))).once('error', reject);
    asked.end(text);
  });
}
