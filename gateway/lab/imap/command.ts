/** IMAP commands once parsed (grammar.ts): each carries only what it has. */
import type { SequenceSet } from './sequence-set.ts';

export type Command =
  | { readonly name: BareName }
  | { readonly name: 'ID'; readonly fields: ReadonlyMap<string, string> }
  | { readonly name: 'LOGIN'; readonly user: string; readonly password: string }
  | { readonly name: 'AUTHENTICATE'; readonly mechanism: string; readonly initial: string | undefined }
  | { readonly name: 'LIST' | 'LSUB'; readonly reference: string; readonly pattern: string }
  | { readonly name: 'STATUS'; readonly folder: string; readonly items: readonly StatusItem[] }
  | { readonly name: FolderName; readonly folder: string }
  | { readonly name: 'RENAME'; readonly folder: string; readonly to: string }
  | AppendCommand
  | { readonly name: 'SEARCH'; readonly isUid: boolean; readonly charset: string; readonly key: SearchKey }
  | {
      readonly name: 'FETCH';
      readonly isUid: boolean;
      readonly set: SequenceSet;
      readonly items: readonly FetchItem[];
    }
  | StoreCommand
  | {
      readonly name: 'COPY' | 'MOVE';
      readonly isUid: boolean;
      readonly set: SequenceSet;
      readonly folder: string;
    }
  | { readonly name: 'UID EXPUNGE'; readonly set: SequenceSet };

/** Commands without arguments. */
export const bareNames = [
  'CAPABILITY',
  'NOOP',
  'LOGOUT',
  'NAMESPACE',
  'CHECK',
  'CLOSE',
  'UNSELECT',
  'EXPUNGE',
  'IDLE',
] as const;
export type BareName = (typeof bareNames)[number];

/** Commands with a folder's name and nothing else. */
export const folderNames = ['SELECT', 'EXAMINE', 'CREATE', 'DELETE', 'SUBSCRIBE', 'UNSUBSCRIBE'] as const;
export type FolderName = (typeof folderNames)[number];

export interface AppendCommand {
  readonly name: 'APPEND';
  readonly folder: string;
  readonly flags: readonly string[];
  /** Milliseconds since 1970; undefined: now. */
  readonly internalDate: number | undefined;
  readonly message: Buffer;
}

export interface StoreCommand {
  readonly name: 'STORE';
  readonly isUid: boolean;
  readonly set: SequenceSet;
  readonly how: 'set' | 'add' | 'remove';
  readonly isSilent: boolean;
  readonly flags: readonly string[];
}

export const statusItems = ['MESSAGES', 'RECENT', 'UIDNEXT', 'UIDVALIDITY', 'UNSEEN'] as const;
export type StatusItem = (typeof statusItems)[number];

/** Items without arguments, longest first where one begins another. */
export const plainItems = [
  'FLAGS',
  'UID',
  'INTERNALDATE',
  'RFC822.SIZE',
  'RFC822.HEADER',
  'RFC822.TEXT',
  'RFC822',
  'ENVELOPE',
  'BODYSTRUCTURE',
  'BODY',
] as const;
export type PlainItem = (typeof plainItems)[number];

export type FetchItem = { readonly item: PlainItem } | SectionItem;

export interface SectionItem {
  readonly item: 'section';
  readonly section: Section;
  readonly isPeek: boolean;
  readonly partial: { readonly offset: number; readonly count: number } | undefined;
}

/** `BODY[1.2.HEADER.FIELDS (From)]`: part 1.2, of it the named header fields. */
export interface Section {
  readonly part: readonly number[];
  readonly text: 'ALL' | 'HEADER' | 'TEXT' | 'MIME' | 'FIELDS' | 'FIELDS.NOT';
  /** As the client wrote them: they go back in the answer's label. */
  readonly fields: readonly string[];
}

export type SearchKey =
  | { readonly key: 'ALL' | 'NEW' | 'OLD' | 'RECENT' }
  | { readonly key: 'FLAG'; readonly flag: string; readonly isSet: boolean }
  | { readonly key: 'SET' | 'UID'; readonly set: SequenceSet }
  /** `day`: days since 1970 as the client wrote it, no zone. */
  | { readonly key: 'BEFORE' | 'ON' | 'SINCE' | 'SENTBEFORE' | 'SENTON' | 'SENTSINCE'; readonly day: number }
  | { readonly key: 'LARGER' | 'SMALLER'; readonly size: number }
  | { readonly key: 'HEADER'; readonly field: string; readonly text: string }
  | { readonly key: 'BODY'; readonly text: string }
  | { readonly key: 'TEXT'; readonly text: string }
  | { readonly key: 'NOT'; readonly of: SearchKey }
  | { readonly key: 'AND' | 'OR'; readonly of: readonly SearchKey[] };
