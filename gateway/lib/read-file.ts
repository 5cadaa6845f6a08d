/** Reads a text file whole, up to a bound; trouble comes back in words that fit behind a setting's name. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';

/** A file's text, or why there is none, in words that begin with the path. */
export type FileText = { readonly text: string } | { readonly trouble: string };

/** `trouble`: "PATH does not exist", "PATH is not readable for this user", "PATH is larger than N bytes". */
export function readFileBounded(path: string, bytesMax: number = textBytesMax): FileText {
  try {
    return readOpen(openSync(path, 'r'), path, bytesMax);
  } catch (error) {
    return { trouble: `${path} ${reasonOf(error)}` };
  }
}

function readOpen(fd: number, path: string, bytesMax: number): FileText {
  try {
    if (fstatSync(fd).isDirectory()) return { trouble: `${path} is a folder` };
    // One byte more than allowed: a file may grow, and a pipe has no size at all.
    const bytes = Buffer.alloc(bytesMax + 1);
    let filled = 0;
    // filled <= bytes.length; 0 is the end of the file.
    for (let got = 1; got > 0 && filled < bytes.length; filled += got) {
      got = readSync(fd, bytes, filled, bytes.length - filled, null);
    }
    if (filled > bytesMax) return { trouble: `${path} is larger than ${bytesMax} bytes` };
    return { text: bytes.toString('utf8', 0, filled) };
  } finally {
    closeSync(fd);
  }
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return reasons[code] ?? `can't be read (${code || String(error)})`;
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  EACCES: 'is not readable for this user',
  EPERM: 'is not readable for this user',
  EISDIR: 'is a folder',
};

/** Settings, keys, certificates and copies files are a few KiB; a whole bundle of authorities is 250 KiB. */
const textBytesMax = 1024 * 1024;
