/** V10: lines of other protocols, said to a port that speaks mail. */

/**
 * True for an HTTP request line and a TLS handshake record. A command whose argument is free text, as
 * POP3's PASS, is to be told apart before: nothing else of ours has such a form.
 */
export function isForeign(line: string): boolean {
  return line.startsWith('\x16\x03') || httpRequest.test(line);
}

/** RFC 9112 section 3. */
const httpRequest = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ [^ ]+ HTTP\/[0-9]\.[0-9]$/;
