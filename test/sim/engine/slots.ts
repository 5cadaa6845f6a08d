/** The sessions of one IO thread by slot. A freed slot's next session has the next turn: no id comes back. */
import type { EngineSession } from './session.ts';

export interface Slots {
  /** `make` gets the id. */
  insert(make: (id: number) => EngineSession): void;
  /** The session with this id; undefined where it has ended, or its slot is another's by now. */
  find(id: number): EngineSession | undefined;
  /** Whoever has the slot of this id now: what an engine would find that forgot to compare turns. */
  findSlot(id: number): EngineSession | undefined;
  remove(id: number): void;
  all(): EngineSession[];
  count(): number;
}

export function createSlots(thread: number): Slots {
  const slots: (EngineSession | undefined)[] = [];
  const turns: number[] = [];
  const free: number[] = [];
  const living = new Map<number, EngineSession>();
  const slotOf = (id: number): number => id % slotsMax;
  return {
    insert(make) {
      // At once, where the engine waits as long as it can: so that late commands find another turn.
      const slot = free.pop() ?? slots.length;
      const turn = turns[slot] ?? 0;
      turns[slot] = turn + 1;
      const id = thread * 2 ** 48 + turn * slotsMax + slot;
      slots[slot] = undefined;
      const session = make(id);
      slots[slot] = session;
      living.set(id, session);
    },
    find(id) {
      const session = slots[slotOf(id)];
      return session?.id === id ? session : undefined;
    },
    findSlot: (id) => slots[slotOf(id)],
    remove(id) {
      slots[slotOf(id)] = undefined;
      living.delete(id);
      free.push(slotOf(id));
    },
    all: () => [...living.values()],
    count: () => living.size,
  };
}

const slotsMax = 2 ** 20;
