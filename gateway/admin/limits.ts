/** The bounds of the admin API, each with its reason. */

export const limits = {
  /** Our own requests are a line of JSON. An agent's document has its own limit. */
  bodyBytesMax: 16 * 1024,
  /** A client that sends its request so slowly is none of ours. */
  requestTimeoutMs: 10_000,
  /** An agent posts every 3 s and may keep its connection between. */
  keepAliveMs: 30_000,
  /** RFC 5321 section 4.5.3.1 allows 64 + 1 + 255; login names with a domain in front are a little longer. */
  nameCharsMax: 512,
  /** Rows of one `who`: 100,000 of 300 bytes are 30 MB, which a main thread still answers in a second. */
  sessionsMax: 100_000,
  sessionsUsual: 1_000,
  /** Connections to the agents' listener: hundreds of agents, and some that are left over from a restart. */
  agentConnectionsMax: 512,
  /** One request of the command line to a gateway that is alive. */
  clientTimeoutMs: 10_000,
  /** Whether somebody answers on a socket. */
  connectTimeoutMs: 1_000,
  /** What the command line takes as an answer; all rows of `who` fit. */
  answerBytesMax: 64 * 1024 * 1024,
} as const;
