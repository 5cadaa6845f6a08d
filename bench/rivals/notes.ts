/** What a reader of the results must know of a subject so as not to misread its figures. Pure. */

/** Sentences; none for a subject that holds no surprise. */
export function notesOn(name: string): readonly string[] {
  return Object.hasOwn(notes, name) ? (notes[name] ?? []) : [];
}

const notes: Readonly<Record<string, readonly string[]>> = {
  direct: ['The server behind with its own TLS: what every gateway adds to.'],
  haproxy: ['Dials the server before it knows the user, so it can follow no mailbox.'],
  'haproxy-new': ['A second HAProxy, named by BENCH_HAPROXY.'],
  envoy: ['Dials when a connection is accepted. Its handshakes alone are measured on an HTTP listener.'],
  'nginx-stream': ['For handshakes alone it awaits the client’s first bytes (ssl_preread) before it dials.'],
  hitch: ['Dials behind every handshake, so there is no figure for handshakes alone.'],
  'nginx-mail': [
    'As it ships every session stalls for 42 ms before the greeting: tickets and greeting are small ' +
      'writes of their own, and Nagle’s algorithm awaits the client’s delayed ACK. So its rates and ' +
      'latencies are the stall’s, and its CPU time is that of a server never fully loaded.',
    'The answers to auth_http run on the other core and are not counted; asking is.',
    'Handshakes alone are measured on listeners of its http module.',
  ],
  'nginx-mail-no-tickets': [
    'The same with ssl_conf_command NumTickets 0, which takes the stall away, and resumption with it.',
  ],
  dovecot: [
    'In its high-performance mode (one login process for all); as it ships it needs about eleven times the ' +
      'CPU time. All its processes are counted: login, auth, anvil, stats, log, config.',
  ],
};
