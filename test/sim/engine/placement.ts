/** The last look before a splice, as native/crates/engine/src/placement.rs has it. */
import type { EngineEndpoint, EngineTable } from '#native';
import type { EndReason } from '#model/end-reason';
import { noDatabase } from '#workers/engine-link';
import type { EngineWorld } from './parts.ts';
import type { Placement, SessionView } from './session-view.ts';

/** What a handoff's bytes say in front of the script. */
export function requestOf(bytes: Uint8Array): {
  readonly placement: Placement;
  readonly isExclusive: boolean;
  readonly script: Uint8Array;
} {
  const view = Buffer.from(bytes.buffer);
  const word = (at: number): number => view.readUInt32LE(at * 4);
  const database = word(1) === noDatabase ? -1 : word(1);
  const generation = word(3) * 2 ** 32 + word(2);
  const placement = { server: word(0), database, generation, mailbox: `${word(4)}/${word(5)}` };
  return { placement, isExclusive: word(6) === 1, script: view.subarray(headBytes) };
}

/** Counts the session in its mailbox's pin, or says why it may not be spliced. */
export function admit({ table, pins, rules }: EngineWorld, session: SessionView): EndReason | undefined {
  const { server, database, generation, mailbox } = session.placement;
  const { isExclusive } = session;
  const isCurrent = (): boolean => {
    const { servers, databases } = table();
    const endpoint = endpointOf(servers, server, session.frontend.protocol);
    const row = databases.find(({ index }) => index === database);
    const isOwner = database < 0 || (row?.server === server && row.generation === generation);
    return (endpoint !== undefined && (!isExclusive || isOwner)) || !rules.checksGeneration;
  };
  const asked = { mailbox, server, isExclusive: isExclusive && rules.checksPins };
  switch (pins.admit(asked, isCurrent)) {
    case 'admitted':
      return undefined;
    case 'moved':
      return 'copy_moved';
    case 'elsewhere':
      return 'held_elsewhere';
  }
}

/** How a server is reached for a protocol, where it takes new sessions of it. */
export function endpointOf(
  servers: EngineTable['servers'],
  server: number,
  protocol: number,
): EngineEndpoint | undefined {
  const endpoints = servers.find(({ index }) => index === server)?.endpoints;
  return endpoints?.find((endpoint) => endpoint.protocol === protocol);
}

/** Seven words. */
const headBytes = 28;
