/** What the pieces of a simulation tell whoever judges it: the events of a run, as values. */
import type { EngineTable, Selection } from '#native';
import type { EndReason } from '#model/end-reason';
import type { RoutingTable } from '#model/routing-table';
import type { Farewell, Placement, SessionView } from './engine/session-view.ts';
import type { Word } from './world/agent.ts';
import type { Seen } from './world/mail-client.ts';

/** A goodbye as the control plane has asked for it. */
export interface GoodbyeFacts {
  readonly farewell: Farewell;
  readonly perSecond: number;
  readonly givenAt: number;
}

export type SimEvent =
  | { readonly is: 'gatewayStarted' }
  | { readonly is: 'gatewayGone'; readonly how: 'stopped' | 'crashed' }
  | { readonly is: 'published'; readonly table: EngineTable }
  /** The control plane's own table has changed; the engine has it. */
  | { readonly is: 'believed'; readonly table: RoutingTable }
  | { readonly is: 'accepted' }
  | { readonly is: 'turnedAway'; readonly reason: EndReason }
  | {
      readonly is: 'handoff';
      readonly session: SessionView;
      readonly placement: Placement;
      readonly isExclusive: boolean;
    }
  | { readonly is: 'spliced'; readonly session: SessionView }
  | { readonly is: 'ended'; readonly session: SessionView; readonly reason: EndReason }
  | {
      readonly is: 'queued';
      readonly place: number;
      readonly size: number;
      readonly pieces: number;
    }
  | {
      readonly is: 'command';
      readonly worker: number;
      readonly id: number;
      readonly op: number;
      readonly argument: number;
      readonly text: string;
    }
  | {
      readonly is: 'goodbye';
      readonly selection: Selection;
      readonly order: GoodbyeFacts;
    }
  | {
      readonly is: 'told';
      readonly session: SessionView;
      readonly order: GoodbyeFacts;
    }
  | { readonly is: 'tableTold'; readonly worker: number; readonly revision: number }
  | { readonly is: 'pong'; readonly worker: number; readonly sessions: number }
  | { readonly is: 'workerGone'; readonly worker: number }
  | {
      readonly is: 'posted';
      readonly agent: string;
      readonly words: readonly Word[];
      readonly counts: boolean;
    }
  | { readonly is: 'judged'; readonly server: string; readonly user: string; readonly isGood: boolean }
  | { readonly is: 'logged'; readonly text: string }
  | { readonly is: 'sessionLogged'; readonly session: string; readonly reason: string }
  | { readonly is: 'seen'; readonly seen: Seen }
  /** Nothing breaks any more from here on. */
  | { readonly is: 'healed' };

export interface Witness {
  tell(event: SimEvent): void;
}
