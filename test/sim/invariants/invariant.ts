/** What an invariant is: a name, a sentence, and a judge that is made anew for each run. */
import type { MovePolicy } from '#model/routing-table';
import type { SimGateway } from '../gateway.ts';
import type { Site } from '../site.ts';
import type { SimEvent } from '../witness.ts';
import type { MailClient } from '../world/mail-client.ts';
import type { MailCluster } from '../world/mail-cluster.ts';

/** What a judge may look at. */
export interface RunView {
  readonly site: Site;
  readonly cluster: MailCluster;
  readonly clients: readonly MailClient[];
  now(): number;
  /** The gateway that is there now; undefined between two lives. */
  gateway(): SimGateway | undefined;
  policyOf(database: string): MovePolicy;
}

/** Each gives what is broken, in words, or undefined. */
export interface Judge {
  /** At each event, in the middle of whatever caused it. */
  on?(event: SimEvent): string | undefined;
  /** Behind each step. */
  step?(): string | undefined;
  /** When nothing has broken for the bound, or everybody is served before. */
  settled?(isLate: boolean): string | undefined;
  /** When the gateway has been stopped. */
  over?(): string | undefined;
}

export interface Invariant {
  readonly name: string;
  readonly sentence: string;
  readonly judge: (run: RunView) => Judge;
}
