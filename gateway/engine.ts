/** The engine as the main thread sees it: a type, so that all but main.ts take it as an argument. */
import type * as native from '#native';

export type Engine = Omit<typeof native, 'join' | 'Joined'>;
