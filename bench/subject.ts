/** What is measured: a server that the generator can log in to, with the processes whose CPU time counts. */
import type { CpuTime } from './proc.ts';
import type { LoadTool } from './load-tool.ts';

/** `direct`, `postern`, or a rival's; as in the command line, the table's heading and the results. */
export type SubjectName = string;

/**
 * What a subject can be asked for. A scenario names those that it needs, and leaves out the subjects that
 * lack one.
 */
export type Feature =
  /** Takes TLS 1.2, too, on all its ports. */
  | 'tls12'
  /** Shows the RSA certificate on the ports that are named for it. */
  | 'rsa'
  /** Has a port where nothing is dialled before the client has spoken: `ports.handshake`. */
  | 'handshakeOnly'
  /** Resumes sessions of each version of TLS that it takes. */
  | 'resumption'
  /** Can speak TLS to the server: the setup `isServerTls`. */
  | 'serverTls'
  /** Dials a server and carries bytes between it and the client; the floor does not. */
  | 'splice'
  /** Reads the login itself, and chooses the server by it. */
  | 'parsesLogin'
  /** Dials the server before the client has said who it is. */
  | 'dialsBeforeLogin'
  /** Offers POP3 with TLS from the first byte: `ports.pop3s`. */
  | 'pop3'
  /** Offers submission with TLS from the first byte: `ports.submissions`. */
  | 'submission'
  /** Counts its workers' events and wakes, and names its threads: Postern alone. */
  | 'workerCounters';

/** Loopback ports. A port of a feature that the subject lacks is undefined; some or all may be the same. */
export interface Ports {
  /** IMAP over TLS, the P-256 certificate. */
  readonly imaps: number;
  readonly imapsRsa: number | undefined;
  /** Where a connection ends with the handshake and no server is contacted. */
  readonly handshake: number | undefined;
  readonly handshakeRsa: number | undefined;
  /** The other login protocols, over TLS with the P-256 certificate. */
  readonly pop3s: number | undefined;
  readonly submissions: number | undefined;
}

/** What the stub server speaks. */
export const stubProtocols = ['imap', 'pop3', 'submission'] as const;
export type StubProtocol = (typeof stubProtocols)[number];
/** A port of the stub server for each. */
export type StubPorts = Readonly<Record<StubProtocol, number>>;

export interface Subject {
  readonly name: SubjectName;
  readonly ports: Ports;
  readonly pid: number;
  /** CPU time so far of all its processes. */
  cpuTime(): CpuTime;
  /** Anonymous memory of all its processes. */
  memoryKiB(): number;
  /** Where it has the feature `workerCounters`: so far, since its start. */
  workerCounters?(): Promise<WorkerCounters>;
  /** What to say when it misbehaves. */
  lastWords(): string;
  stop(): Promise<void>;
}

export interface WorkerCounters {
  readonly events: number;
  readonly wakes: number;
}

/** How a subject is to be started. */
export interface Setup {
  /** TLS to the server, too; else plain. */
  readonly isServerTls: boolean;
}

/** What starting a subject needs. */
export interface Bed {
  readonly tool: LoadTool;
  /** The ports of the stub server that gateways connect to: plain, and with TLS (cert.pem). */
  readonly stubPorts: StubPorts;
  readonly stubTlsPorts: StubPorts;
  /**
   * A folder of the run's own, with cert.pem, key.pem and both.pem (P-256), and the same with `rsa-` before
   * the name (RSA, 2048 bits).
   */
  readonly folder: string;
  readonly root: string;
}

/** A subject that can be started as often as wanted; every start gives a fresh process. */
export interface SubjectKind {
  readonly name: SubjectName;
  /** `floor`: no gateway at all. `ours`: what ratios are of. A rival that is missing is left out. */
  readonly role: 'floor' | 'ours' | 'rival';
  /** One line for the results. */
  readonly version: string;
  /** Why it cannot be measured here and what would mend that; undefined when it can. */
  readonly missing: string | undefined;
  readonly features: readonly Feature[];
  start(bed: Bed, setup: Setup): Promise<Subject>;
}
