/** The fields that a server puts before a message that it takes (RFC 5321 section 4.4). Pure. */

export interface Submitted {
  /** Empty for the null sender. */
  readonly sender: string;
  readonly recipient: string;
  /** What the client says by EHLO, and where it comes from. */
  readonly clientName: string;
  readonly clientAddress: string;
  readonly server: string;
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** `Return-Path` and `Received`, each line with its end. */
export function traceFields(submitted: Submitted): string {
  const { sender, recipient, clientName, clientAddress, server, id, now } = submitted;
  const name = /^[A-Za-z0-9.:[\]-]{1,255}$/.test(clientName) ? clientName : 'unknown';
  const date = new Date(now).toUTCString().replace('GMT', '+0000');
  return [
    `Return-Path: <${sender}>`,
    `Received: from ${name} ([${clientAddress}])`,
    `\tby ${server} with ESMTPA id ${id}`,
    `\tfor <${recipient}>; ${date}`,
    '',
  ].join('\r\n');
}
