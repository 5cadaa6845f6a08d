/** What is measured: a server that the generator can log in to, with the process whose CPU time counts. */
import type { SubjectName } from './options.ts';
import type { LoadTool } from './load-tool.ts';

export interface Subject {
  readonly name: SubjectName;
  readonly port: number;
  /** Where a connection ends with the handshake and no server is contacted. */
  readonly handshakePort: number;
  readonly pid: number;
  /** What to say when it misbehaves. */
  lastWords(): string;
  stop(): Promise<void>;
}

/** What starting a subject needs. */
export interface Bed {
  readonly tool: LoadTool;
  /** The port of the stub server, plain, that gateways connect to. */
  readonly stubPort: number;
  /** A folder of the run's own, with cert.pem, key.pem and both.pem. */
  readonly folder: string;
  readonly root: string;
}

/** A subject that can be started as often as wanted; every start gives a fresh process. */
export interface SubjectKind {
  readonly name: SubjectName;
  /** One line for the results. */
  readonly version: string;
  /** Why it cannot be measured here and what would mend that; undefined when it can. */
  readonly missing: string | undefined;
  start(bed: Bed): Promise<Subject>;
}
