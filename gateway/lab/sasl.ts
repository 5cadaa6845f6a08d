/** SASL PLAIN (RFC 4616), as every server of the lab takes it. */

export type PlainResponse =
  | { readonly is: 'login'; readonly user: string; readonly password: string }
  /** It names another mailbox to act for, which nobody may here. */
  | { readonly is: 'actsForAnother' }
  | { readonly is: 'bad' };

/** The response in base64: who it acts for, who it is, the password, a NUL between them. */
export function parsePlain(base64: string): PlainResponse {
  const [actsFor, user, password, ...more] = Buffer.from(base64, 'base64').toString('latin1').split('\0');
  if (user === undefined || password === undefined || more.length > 0) return { is: 'bad' };
  if (actsFor !== '' && actsFor !== user) return { is: 'actsForAnother' };
  return { is: 'login', user, password };
}
