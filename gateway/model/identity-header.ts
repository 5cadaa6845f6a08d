/** Which PROXY header a server is sent, ahead of all else. PURE. */
import type { Identity } from '#model/routing-table';

/** As the engine's endpoints have it: see native/crates/wire/src/proxy_header.rs. */
export type IdentityHeader = 'none' | 'v1' | 'v2';

/** The header that a way to tell who the client is asks for; the other ways are the handoff's. */
export function identityHeaderOf(identity: Identity): IdentityHeader {
  switch (identity) {
    case 'proxy-v1':
      return 'v1';
    case 'proxy-v2':
      return 'v2';
    case 'none':
    case 'id':
    case 'xclient':
      return 'none';
  }
}
