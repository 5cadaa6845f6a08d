/** The commands that the ManageSieve server knows (RFC 5804 section 2), as values. */

export type Command =
  | BareCommand
  | { readonly name: 'NOOP'; readonly tag: string | undefined }
  | { readonly name: 'AUTHENTICATE'; readonly mechanism: string; readonly initial: string | undefined }
  | { readonly name: 'HAVESPACE'; readonly script: string; readonly size: number }
  | { readonly name: 'PUTSCRIPT'; readonly script: string; readonly text: Buffer }
  | { readonly name: 'CHECKSCRIPT'; readonly text: Buffer }
  | { readonly name: 'GETSCRIPT' | 'DELETESCRIPT' | 'SETACTIVE'; readonly script: string }
  | { readonly name: 'RENAMESCRIPT'; readonly script: string; readonly to: string };

export const bareNames = ['CAPABILITY', 'LISTSCRIPTS', 'LOGOUT', 'STARTTLS'] as const;

/** One a name, so that a switch over names knows which are left. */
type BareCommand = {
  [Name in (typeof bareNames)[number]]: { readonly name: Name };
}[(typeof bareNames)[number]];
