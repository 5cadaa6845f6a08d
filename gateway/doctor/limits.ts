/** The bounds of one visit of the doctor. */

/** Somebody waits in front of a terminal. All deadlines of the probes of one port stay below it. */
export const visitTimeoutMs = 60_000;
/** Refused passwords are slow on purpose, up to 17 s each; and the pause of the logins comes on top. */
export const deepVisitTimeoutMs = 180_000;
/** Ports that are asked at the same time: a site of fifty servers opens no storm of connections. */
export const portsAtOnceMax = 32;

/** One more than mail_max_userip_connections as shipped with Dovecot. */
export const loginsAtOnce = 11;
/** Each is counted by the server when the next one comes. */
export const loginsPaceMs = 200;
/** The first still stands when the last one has come, also on a slow server. `pause` allows ten seconds. */
export const loginsStandMs = 5_000;
/** The second shows whether the first made a difference, the third whether that was noise. */
export const wrongPasswordsMax = 3;
/** Dovecot answers a wrong password after 2 s, and after 17 s where its penalty has grown. */
export const wrongPasswordTimeoutMs = 30_000;
