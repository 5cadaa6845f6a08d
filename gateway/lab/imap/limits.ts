/** What one connection may ask of the lab's IMAP server. */

/**
 * A line of a command without its literals. RFC 7162 section 4 asks for 8,192 at least; searches grow
 * longer.
 */
export const lineBytesMax = 64 * 1024;

/** A literal before the login holds a name or a password. */
export const loginLiteralBytesMax = 8 * 1024;

/** The largest message that APPEND takes. */
export const messageBytesMax = 25 * 1024 * 1024;

/** A whole command: one message, and lines around it. */
export const commandBytesMax = messageBytesMax + 4 * lineBytesMax;

/** Commands in a row that are none: beyond it the client isn't one. */
export const badCommandsMax = 20;

/** SEARCH keys within keys; a parser of 64 KiB lines must not be led into a deep recursion. */
export const searchDepthMax = 50;

/** MIME parts within parts, and all parts of a message: what lies deeper is shown as text. */
export const mimeDepthMax = 20;
export const mimePartsMax = 1_000;

/** Of a header, what is looked at; it is still given out whole. */
export const headerBytesMax = 256 * 1024;

/** Folders of one mailbox; each name is at most this long. */
export const foldersMax = 1_000;
export const folderNameBytesMax = 512;

/** RFC 3501 section 5.4 asks for 30 minutes at least. */
export const idleTimeoutMs = 31 * 60_000;

/** Without a login a connection is not kept. */
export const preambleTimeoutMs = 60_000;
