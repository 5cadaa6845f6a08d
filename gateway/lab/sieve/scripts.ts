/** Commands on the scripts of a mailbox (RFC 5804 sections 2.5 to 2.12). They are kept; none runs. */
import { isUtf8 } from 'node:buffer';
import type { OpenAccount } from '#gateway/lab/account';
import type { ScriptChange } from '#gateway/lab/store/change';
import * as limits from './limits.ts';
import { checkScript } from './script-grammar.ts';
import { literal, no, ok, string } from './words.ts';

/** All of a mailbox, a line each, before the OK. */
export function listScripts(account: OpenAccount): string {
  const { scripts, activeScript } = account.account();
  const rows = [...scripts.keys()].map((name) => `${string(name)}${name === activeScript ? ' ACTIVE' : ''}`);
  return [...rows, ok('LISTSCRIPTS completed')].join('\r\n');
}

export function getScript(account: OpenAccount, script: string): string {
  const text = account.account().scripts.get(script);
  return text === undefined ? noSuchScript() : `${literal(text)}\r\n${ok('GETSCRIPT completed')}`;
}

/** Whether a script of that size could be put. */
export function haveSpace(account: OpenAccount, script: string, size: number): string {
  return refusalOf(account, script, size) ?? ok('there is room for it');
}

export function checkText(text: Buffer): string {
  return faultOf(text) ?? ok(`the grammar is sound; ${nothingRuns}`, 'WARNINGS');
}

export async function putScript(account: OpenAccount, script: string, text: Buffer): Promise<string> {
  const refusal = refusalOf(account, script, text.length) ?? faultOf(text);
  if (refusal !== undefined) return refusal;
  const isKept = await commit(account, [{ kind: 'putScript', script, text: text.toString('utf8') }]);
  return isKept ? ok(`kept; ${nothingRuns}`, 'WARNINGS') : notServed();
}

export async function setActive(account: OpenAccount, script: string): Promise<string> {
  if (script !== '' && !account.account().scripts.has(script)) return noSuchScript();
  const isSet = await commit(account, [{ kind: 'activateScript', script }]);
  return isSet ? ok(script === '' ? 'no script is active' : `${script} is the active script`) : notServed();
}

export async function deleteScript(account: OpenAccount, script: string): Promise<string> {
  const { scripts, activeScript } = account.account();
  if (!scripts.has(script)) return noSuchScript();
  if (script === activeScript) return no('it is the active script', 'ACTIVE');
  return (await commit(account, [{ kind: 'deleteScript', script }])) ? ok('it is gone') : notServed();
}

export async function renameScript(account: OpenAccount, script: string, to: string): Promise<string> {
  const { scripts } = account.account();
  if (!scripts.has(script)) return noSuchScript();
  if (scripts.has(to)) return no('there is a script of this name', 'ALREADYEXISTS');
  if (!isSoundName(to)) return no('this can not be the name of a script');
  return (await commit(account, [{ kind: 'renameScript', script, to }])) ? ok('it is renamed') : notServed();
}

type OwnChange = ScriptChange extends infer Each
  ? Each extends unknown
    ? Omit<Each, 'user'>
    : never
  : never;

function commit(account: OpenAccount, changes: readonly OwnChange[]): Promise<boolean> {
  return account.commit(changes.map((change) => ({ ...change, user: account.user }) as ScriptChange));
}

/** Why no script of that name and size is taken. */
function refusalOf(account: OpenAccount, script: string, size: number): string | undefined {
  const { scripts } = account.account();
  if (!isSoundName(script)) return no('this can not be the name of a script');
  if (size > limits.scriptBytesMax)
    return no(`a script has ${limits.scriptBytesMax} bytes at most`, 'QUOTA/MAXSIZE');
  const isOneMore = !scripts.has(script) && scripts.size >= limits.scriptsMax;
  return isOneMore ? no(`a mailbox has ${limits.scriptsMax} scripts at most`, 'QUOTA/MAXSCRIPTS') : undefined;
}

function faultOf(text: Buffer): string | undefined {
  if (text.length > limits.scriptBytesMax) return no('the script is too long', 'QUOTA/MAXSIZE');
  if (!isUtf8(text)) return no('the script is no UTF-8');
  const checked = checkScript(text.toString('utf8'), limits.scriptDepthMax);
  return checked.is === 'unsound' ? no(checked.why) : undefined;
}

/** RFC 5804 section 1.6: no control characters, and no separators of lines and paragraphs. */
function isSoundName(name: string): boolean {
  const size = Buffer.byteLength(name);
  return size > 0 && size <= limits.scriptNameBytesMax && !/[\0-\x1f\x7f-\x9f\u2028\u2029]/.test(name);
}

function noSuchScript(): string {
  return no('there is no such script', 'NONEXISTENT');
}

function notServed(): string {
  return no('the active copy is not here any more', 'TRYLATER');
}

const nothingRuns = 'the lab keeps scripts and runs none';
