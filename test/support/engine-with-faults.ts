/**
 * An engine that breaks on command: the same crates with their feature `faults`, in cargo's dev profile, so
 * that most of it is what `cargo test` has built already. The gateway under test loads it by its path; the
 * product's engine has no such command (test/faults/panic-survival.test.ts looks).
 */
import { copyFileSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { mustRun } from './child.ts';

/** Builds it, a matter of a second once it is there; gives the settings that make a gateway load it. */
export async function buildEngineWithFaults(): Promise<Readonly<Record<string, string>>> {
  const native = fileURLToPath(new URL('../../native', import.meta.url));
  const target = process.env['CARGO_TARGET_DIR'] ?? join(native, 'target');
  const manifest = ['--manifest-path', join(native, 'Cargo.toml')];
  const what = ['--quiet', '--package', 'postern-binding', '--features', 'faults'];
  await mustRun('cargo', ['build', ...manifest, ...what], { env: cargoEnv(), withinMs: buildMs });
  const folder = join(target, 'faults');
  const path = join(folder, 'engine.node');
  mkdirSync(folder, { recursive: true });
  // In one step, beside a gateway that may have the old one loaded.
  copyFileSync(join(target, 'debug/libpostern_binding.so'), `${path}.new`);
  renameSync(`${path}.new`, path);
  return { NAPI_RS_NATIVE_LIBRARY_PATH: path };
}

/** What rustup and cargo look for; all else of ours would only make cargo build anew. */
function cargoEnv(): Record<string, string> {
  const names = ['CARGO_HOME', 'RUSTUP_HOME', 'RUSTUP_TOOLCHAIN', 'CARGO_TARGET_DIR', 'RUSTFLAGS', 'CC'];
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** From nothing, on few cores. */
export const buildMs = 600_000;
