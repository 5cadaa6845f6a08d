/** Clients that talk a lot before they log in, and never do: they fill the workers' queues. */
import type { Random } from '../random.ts';
import type { Scheduler } from '../scheduler.ts';
import type { Network, Wire } from './network.ts';

export interface ChatterParts {
  readonly network: Network;
  readonly scheduler: Scheduler;
  readonly random: Random;
  readonly dial: (client: { address: string; port: number; isImplicit: boolean }, wire: Wire) => boolean;
}

/** A few at once, each with some hundred commands ahead of any answer. */
export function startChatter({ network, scheduler, random, dial }: ChatterParts): void {
  const count = 2 + random.below(6);
  for (let each = 0; each < count; each++) {
    const link = network.linkOf('client:chatter');
    const { near, far } = network.open(link);
    const over = (): void => near.close();
    near.listener = { onBytes: () => {}, onHello: () => {}, onClose: over, onReset: () => {} };
    const client = { address: `198.51.100.${20 + each}`, port: 2000 + each, isImplicit: true };
    network.deliver(link, () => {
      if (!dial(client, far)) return far.reset();
      near.hello();
      const lines = 40 + random.below(400);
      for (let line = 0; line < lines; line++) near.send(`n${line} NOOP\r\n`);
      scheduler.after(random.below(4000), over);
    });
  }
}
