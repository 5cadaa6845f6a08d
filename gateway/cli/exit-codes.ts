/** What the command's exit code says: the conventions of sysexits where there is one. */
export const exitCodes = { ok: 0, runtime: 1, usage: 2, config: 78 } as const;
