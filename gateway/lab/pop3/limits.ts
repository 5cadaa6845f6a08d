/** What one connection may ask of the lab's POP3 server. */

/** RFC 5034 section 4: a SASL response may have 12,288 characters; commands are far shorter. */
export const lineBytesMax = 12_290;

/** Lines in a row that are no commands, or name a wrong password: beyond it the client isn't one. */
export const badCommandsMax = 20;

/** RFC 1939 section 3 asks for 10 minutes at least. */
export const idleTimeoutMs = 11 * 60_000;

/** Without a login a connection is not kept. */
export const preambleTimeoutMs = 60_000;
