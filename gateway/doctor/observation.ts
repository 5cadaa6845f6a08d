/**
 * What the doctor saw of a site: facts only. findings.ts says what is wrong with them. PURE.
 *
 * observe.ts gathers them; `null` and `'untold'` stand for what nobody could tell.
 */
import type { EndReason } from '#model/end-reason';
import type { ServerId } from '#model/ids';
import type { LoginProtocol } from '#model/protocol';
import type { Identity } from '#model/routing-table';

export interface SiteObservation {
  /** As in POSTERN_PRESET. */
  readonly preset: string;
  /** What the frontends of each protocol promise before the login; none for what is not offered. */
  readonly baselines: Readonly<Partial<Record<LoginProtocol, readonly string[]>>>;
  readonly servers: readonly ServerObservation[];
  readonly warnings: readonly SettingWarning[];
  /** Milliseconds since 1970, for the days that certificates have left. */
  readonly at: number;
}

/** What `postern check` says of a setting that concerns servers. */
export interface SettingWarning {
  readonly setting: string;
  readonly hint: string;
}

export interface ServerObservation {
  readonly server: ServerId;
  readonly address: string;
  readonly fqdn: string;
  /** POSTERN_SOURCE_ADDRESSES of its family: sessions may come from any of them. */
  readonly sources: readonly string[];
  /** How its certificate is judged: POSTERN_SERVER_TLS_VERIFY. */
  readonly verify: 'ca' | 'pin' | 'any';
  readonly ports: readonly PortObservation[];
  readonly logins: LoginsObserved;
}

/** One server in one protocol: how the settings want it, and what was seen. */
export interface PortObservation {
  readonly protocol: LoginProtocol;
  readonly port: number;
  readonly tls: 'implicit' | 'starttls' | 'off';
  readonly identity: Identity;
  readonly seen: PortSeen;
}

export type PortSeen =
  /** Nothing had come back when the doctor's own time was over. */
  | { readonly is: 'unfinished' }
  /** No session would get through: `why` is what the monitors say. */
  | {
      readonly is: 'unusable';
      readonly reason: EndReason | undefined;
      readonly why: string;
      readonly standing: Standing | undefined;
    }
  | UsablePort;

/** A server that would do, if its certificate is believed and the baseline is there. */
export interface UsablePort {
  readonly is: 'usable';
  readonly tookMs: number;
  readonly standing: Standing;
  /** Why its certificate is not believed; what else is known was seen without that check. */
  readonly distrust: string | undefined;
  readonly capabilities: readonly string[];
  /** What it lacks of the baseline, as the monitors put it: `offers no IDLE`. */
  readonly lacks: readonly string[];
  /** What it calls itself (IMAP ID, the greeting of submission); null where it does not say. */
  readonly product: string | null;
  /** Our address as the server writes it, in the answer to EHLO. */
  readonly seenAddress: string | null;
  /** Whether it takes XCLIENT from us. */
  readonly takesXclient: boolean | 'untold';
  /** Whether it takes mail to strangers from us without a login. */
  readonly relays: boolean | 'untold';
}

/** How a connection stood. */
export interface Standing {
  /** Ours. */
  readonly localAddress: string;
  /** Empty without TLS, as the next one. */
  readonly tlsVersion: string;
  readonly cipherSuite: string;
  readonly certificate: CertificateFacts | undefined;
}

export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  /** DNS names and addresses that it is for. */
  readonly names: readonly string[];
  readonly isForName: boolean;
  readonly isSelfSigned: boolean;
  /** Milliseconds since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** Of the whole certificate, 64 lower-case hexadecimal digits. */
  readonly sha256: string;
}

/** What logins met with that were made for this (`--deep`). */
export type LoginsObserved =
  | { readonly is: 'unasked' }
  | { readonly is: 'untold'; readonly why: string }
  | {
      readonly is: 'seen';
      readonly user: string;
      /** Logins of one mailbox that were made at once, and those that stood. */
      readonly tried: number;
      readonly stood: number;
      /** What the server said to one that did not stand. */
      readonly refusal: string | undefined;
      /** How long each of some refused passwords took, in order. */
      readonly failuresMs: readonly number[];
    };
