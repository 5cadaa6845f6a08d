/** What one connection may ask of the lab's submission server. */

/** RFC 5321 section 4.5.3.1.8 asks for 100 at least. */
export const recipientsMax = 100;

/** RFC 5321 section 4.5.3.2.7 asks for 5 minutes at least; the answer to a message may take 10. */
export const idleTimeoutMs = 11 * 60_000;

/** Without a login a connection is not kept. */
export const preambleTimeoutMs = 60_000;
