/** What one connection may ask of the lab's ManageSieve server. */

/** RFC 5804 section 1.2: a quoted string has up to 1,024 characters; RENAMESCRIPT has two of them. */
export const lineBytesMax = 8 * 1024;

/** The largest script that is kept: a frame between two lab servers holds it, escaped as JSON, many times. */
export const scriptBytesMax = 64 * 1024;

/** A literal that is larger than a script may be is still read, so that it is refused in words. */
export const literalBytesMax = 1024 * 1024;
export const commandBytesMax = literalBytesMax + 4 * lineBytesMax;

/** Before the login, literals hold names and passwords. */
export const loginLiteralBytesMax = 8 * 1024;

/** Scripts of one mailbox. */
export const scriptsMax = 32;

/** RFC 5804 section 1.6: a name has up to 512 bytes in UTF-8. */
export const scriptNameBytesMax = 512;

/** Blocks and tests within each other: RFC 5228 section 2.10.5 and 2.9 ask for 15 of each. */
export const scriptDepthMax = 32;

/** Commands in a row that are none, or name a wrong password: beyond it the client isn't one. */
export const badCommandsMax = 20;

/** RFC 5804 section 1.2 asks for 30 minutes at least behind the login. */
export const idleTimeoutMs = 31 * 60_000;

/** Without a login a connection is not kept. */
export const preambleTimeoutMs = 60_000;
