/** Writes the page of a results file beside it: `NAME.json` gets `NAME.html`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { formatPage } from './html-page.ts';
import { type ResultsFile, parseResultsFile } from './results-file.ts';

/** `path` is the results file's; gives the page's. */
export function writePage(path: string, file: ResultsFile): string {
  const page = path.replace(/\.json$/, '') + '.html';
  writeFileSync(page, formatPage(file));
  return page;
}

export type WrittenPage =
  | { readonly path: string; readonly problem?: undefined }
  | { readonly problem: string };

/** Reads a results file and writes its page; says in words why it can't. */
export function writePageOf(path: string): WrittenPage {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
  const file = parseResultsFile(text);
  return typeof file === 'string' ? { problem: `${path}: ${file}` } : { path: writePage(path, file) };
}
