/**
 * What every submission frontend offers in EHLO, and so every submission server must have: the front says it
 * (workers/fronts/smtp/preamble.ts), the probe asks for it (gateway/monitors/submission-probe.ts).
 *
 * RFC 2920, 2034, 6152, 1870. After the login a client believes them of the server. SIZE comes without a
 * number, which says that there is some limit, unless the baseline has one as `SIZE=37748736`.
 */
export const submissionWords = ['PIPELINING', 'ENHANCEDSTATUSCODES', '8BITMIME', 'SIZE'] as const;
