/** The count of live sessions by mailbox and server, as native/crates/route/src/pins.rs keeps it. */

export interface PinRequest {
  readonly mailbox: string;
  readonly server: number;
  readonly isExclusive: boolean;
}

export type Admission = 'admitted' | 'moved' | 'elsewhere';

export interface Pins {
  /** Counts a session, unless it would be the second server's of an exclusive mailbox, or `check` says no. */
  admit(request: PinRequest, check: () => boolean): Admission;
  release(mailbox: string, server: number): void;
  /** The server admitted last of those with sessions; -1 for none. */
  serverOf(mailbox: string): number;
  size(): number;
}

interface Held {
  readonly server: number;
  sessions: number;
}

export function createPins(): Pins {
  /** The latest admitted at the end; every count is above 0. */
  const pins = new Map<string, Held[]>();
  return {
    admit({ mailbox, server, isExclusive }, check) {
      const held = pins.get(mailbox) ?? [];
      if (isExclusive && held.some((each) => each.server !== server)) return 'elsewhere';
      if (!check()) return 'moved';
      const own = held.find((each) => each.server === server) ?? { server, sessions: 0 };
      own.sessions++;
      pins.set(mailbox, [...held.filter((each) => each !== own), own]);
      return 'admitted';
    },
    release(mailbox, server) {
      const held = pins.get(mailbox) ?? [];
      const own = held.find((each) => each.server === server);
      if (own === undefined) throw new Error(`a pin of ${mailbox} on ${server} is released once too often`);
      own.sessions--;
      const left = held.filter(({ sessions }) => sessions > 0);
      if (left.length === 0) pins.delete(mailbox);
      else pins.set(mailbox, left);
    },
    serverOf: (mailbox) => pins.get(mailbox)?.at(-1)?.server ?? -1,
    size: () => pins.size,
  };
}
