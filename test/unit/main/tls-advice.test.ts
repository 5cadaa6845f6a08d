import { expect, test } from 'vitest';
import type { ServerTrust } from '#gateway/settings/settings';
import { withTlsAdvice } from '#gateway/tls-advice';
import { codeOf } from '#model/end-reason';
import type { ServerId } from '#model/ids';
import type { ProbeOutcome } from '#native';

const failed: ProbeOutcome = {
  reason: codeOf('server_tls_failed'),
  detail: 'the server speaks neither TLS 1.2 nor TLS 1.3',
  lines: [],
  elapsedMs: 7,
};
const sha256 = 'ab'.repeat(32);
const certificate = { sha256, names: ['ex1.corp.example'], issuer: 'Corp CA' };

function detailOf(
  changes: Partial<ProbeOutcome>,
  trust: Partial<ServerTrust> = {},
  hasOpenssl = true,
): string {
  const own: ServerTrust = { profile: 'modern', verify: 'ca', caPem: '', pins: [], ...trust };
  const asked = { server: { id: 'ex-1' as ServerId, trust: own }, port: 993, hasOpenssl };
  return withTlsAdvice({ ...failed, ...changes }, asked).detail;
}

test('an old server is told by what it offers, with the setting that would connect', () => {
  const offer = { version: 'TLS 1.0', suite: 'AES128-SHA', profile: 'legacy' } as const;
  expect(detailOf({ offer })).toBe(
    'ex-1:993 offers only TLS 1.0 (AES128-SHA); profile modern cannot connect; ' +
      'POSTERN_SERVER_EX_1_TLS_PROFILE=legacy would',
  );
  expect(detailOf({ offer }, { profile: 'compatible' })).toContain('profile compatible cannot connect');
});

test('a build without OpenSSL says what to build as well', () => {
  const offer = { version: 'TLS 1.2', suite: 'AES128-GCM-SHA256', profile: 'compatible' } as const;
  expect(detailOf({ offer }, {}, false)).toMatch(
    /TLS_PROFILE=compatible would, in a build with POSTERN_BUILD_OPENSSL=true$/,
  );
});

test('an offer that no profile takes, or that the own one should take, promises nothing', () => {
  expect(detailOf({ offer: { version: 'SSL 3.0', suite: 'RC4-SHA' } })).toBe(
    'ex-1:993 offers only SSL 3.0 (RC4-SHA), and no profile connects',
  );
  const offer = { version: 'TLS 1.2', suite: 'AES128-SHA', profile: 'compatible' } as const;
  expect(detailOf({ offer }, { profile: 'legacy' })).toBe(failed.detail);
});

test('a certificate that is not believed comes with the settings that would pin it', () => {
  expect(detailOf({ certificate })).toBe(
    `${failed.detail}; if that is its certificate, POSTERN_SERVER_EX_1_TLS_VERIFY=pin with ` +
      `POSTERN_SERVER_EX_1_TLS_PINS=${sha256} would accept it`,
  );
  expect(detailOf({ certificate }, { verify: 'pin' })).toBe(
    `${failed.detail}; if that is its certificate, POSTERN_SERVER_EX_1_TLS_PINS=${sha256} would accept it`,
  );
});

test('what is no matter of TLS stays as it is', () => {
  expect(detailOf({})).toBe(failed.detail);
});
