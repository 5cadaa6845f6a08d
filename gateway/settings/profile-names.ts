/** The names of the TLS profiles. */

/** As in the settings, from the strictest to the laxest. */
export const tlsProfiles = ['modern', 'compatible', 'legacy'] as const;
