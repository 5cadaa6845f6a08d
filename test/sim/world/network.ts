/**
 * Links and connections: bytes arrive whole pieces at a time, in order, after the link's delay; a link can be
 * slow, clogged (all waits) or cut (all waits, and nobody gets through anew). Nothing here knows mail.
 */
import type { Random } from '../random.ts';
import type { Scheduler } from '../scheduler.ts';

/** The way between two places; all its connections suffer the same. */
export interface Link {
  readonly name: string;
  delayMs: number;
  jitterMs: number;
  isCut: boolean;
  isClogged: boolean;
}

/** What one end hears. `hello` stands for a flight of a TLS handshake. */
export interface Listener {
  onBytes(text: string): void;
  onHello(): void;
  /** The other side says no more. */
  onClose(): void;
  /** The connection is broken. */
  onReset(): void;
}

type Item = { readonly is: 'bytes'; readonly text: string } | { readonly is: 'hello' | 'close' | 'reset' };

/** One end of a connection. Whatever is said behind `close` or `reset` is lost. */
export class Wire {
  listener: Listener | undefined;
  readonly #network: Network;
  readonly #link: Link;
  readonly #other: () => Wire;
  #lastAt = 0;
  #isOver = false;

  constructor(network: Network, link: Link, other: () => Wire) {
    this.#network = network;
    this.#link = link;
    this.#other = other;
  }

  send(text: string): void {
    this.#put({ is: 'bytes', text });
  }

  hello(): void {
    this.#put({ is: 'hello' });
  }

  close(): void {
    this.#put({ is: 'close' });
  }

  reset(): void {
    this.#put({ is: 'reset' });
  }

  /** Each piece after its own time, none before the one in front of it. */
  #put(item: Item): void {
    if (this.#isOver) return;
    this.#isOver = item.is === 'close' || item.is === 'reset';
    this.#lastAt = this.#network.deliverBehind(this.#lastAt, this.#link, () => this.#other().#hear(item));
  }

  #hear(item: Item): void {
    if (this.listener === undefined) return;
    if (item.is === 'bytes') this.listener.onBytes(item.text);
    else if (item.is === 'hello') this.listener.onHello();
    else if (item.is === 'close') this.listener.onClose();
    else this.listener.onReset();
  }
}

export class Network {
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #links = new Map<string, Link>();
  readonly #blocked = new Map<Link, (() => void)[]>();

  constructor(scheduler: Scheduler, random: Random) {
    this.#scheduler = scheduler;
    this.#random = random;
  }

  linkOf(name: string): Link {
    const known = this.#links.get(name);
    if (known !== undefined) return known;
    const made = { name, delayMs: 1, jitterMs: 1, isCut: false, isClogged: false };
    this.#links.set(name, made);
    return made;
  }

  links(): Link[] {
    return [...this.#links.values()];
  }

  /** Both ends of a new connection; the near end is whose side opened it. */
  open(link: Link): { readonly near: Wire; readonly far: Wire } {
    const near: Wire = new Wire(this, link, () => far);
    const far: Wire = new Wire(this, link, () => near);
    return { near, far };
  }

  /** Runs it after one way of the link; never while the link is cut or clogged, but when that is over. */
  deliver(link: Link, run: () => void): void {
    this.deliverBehind(0, link, run);
  }

  /** The same, but not before `earliestMs`; gives when. */
  deliverBehind(earliestMs: number, link: Link, run: () => void): number {
    const now = this.#scheduler.now();
    const at = Math.max(earliestMs, now + link.delayMs + link.jitterMs * this.#random.next());
    this.#scheduler.after(at - now, () => this.#whenFree(link, run));
    return at;
  }

  /** To be called whenever a link has been freed. */
  release(link: Link): void {
    if (isBlocked(link)) return;
    const waiting = this.#blocked.get(link) ?? [];
    this.#blocked.delete(link);
    for (const run of waiting) run();
  }

  #whenFree(link: Link, run: () => void): void {
    if (!isBlocked(link)) return run();
    const waiting = this.#blocked.get(link) ?? [];
    this.#blocked.set(link, waiting);
    waiting.push(run);
  }
}

function isBlocked({ isCut, isClogged }: Link): boolean {
  return isCut || isClogged;
}
