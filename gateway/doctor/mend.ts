/** The names of settings, as a finding tells an operator to write them. PURE. */
import { serverSetting } from '#gateway/settings/env-name';
import type { LoginProtocol } from '#model/protocol';

/** A protocol's word within the names of settings. */
const words: Readonly<Record<LoginProtocol, string>> = {
  imap: 'IMAP',
  pop3: 'POP3',
  sieve: 'MANAGESIEVE',
  submission: 'SUBMISSION',
};

/** `POSTERN_SERVER_EX1_POP3_PORT`. */
export function portSetting(server: string, protocol: LoginProtocol, suffix: 'PORT' | 'TLS'): string {
  return serverSetting(server, `${words[protocol]}_${suffix}`);
}

/** `POSTERN_POP3_BASELINE`. */
export function baselineSetting(protocol: LoginProtocol): string {
  return `POSTERN_${words[protocol]}_BASELINE`;
}

/** A protocol as POSTERN_SERVER_IDENTITY has it. */
export function identityWord(protocol: LoginProtocol): string {
  return words[protocol].toLowerCase();
}
