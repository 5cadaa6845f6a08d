/** The SASL mechanisms that fronts speak (workers/fronts/sasl.ts), so that settings can name no others. */

/** Upper case, as in `AUTH=PLAIN`. */
export const saslMechanisms = ['PLAIN', 'LOGIN', 'XOAUTH2', 'OAUTHBEARER'] as const;

/** One of `saslMechanisms`. */
export type SaslMechanism = (typeof saslMechanisms)[number];
