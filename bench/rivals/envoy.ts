/**
 * Envoy as the rival, by its path: its TCP proxy filter behind TLS, one worker thread, logs off. It looks at
 * no login.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bed, Setup, Subject, SubjectKind } from '../subject.ts';
import {
  type Places,
  backlog,
  connectionsMax,
  idleMinutes,
  makePlaces,
  startRival,
  tls,
  wordsOf,
} from './rival.ts';

/** Envoy as BENCH_ENVOY names it; Debian has no package of it. */
export function findEnvoy(): SubjectKind {
  const command = process.env['BENCH_ENVOY'];
  const words = command === undefined ? undefined : wordsOf(command, ['--version']);
  const absence =
    command === undefined
      ? 'BENCH_ENVOY=/path names an Envoy.'
      : `${command}, named by BENCH_ENVOY, does not run.`;
  return {
    name: 'envoy',
    role: 'rival',
    version: words === undefined ? 'missing' : versionIn(words),
    missing: words === undefined ? absence : undefined,
    features: ['tls12', 'rsa', 'handshakeOnly', 'resumption', 'serverTls', 'splice', 'dialsBeforeLogin'],
    start: (bed, setup) => startEnvoy(command ?? 'envoy', bed, setup),
  };
}

/** `.../envoy  version: COMMIT/1.40.0/Clean/RELEASE/BoringSSL` */
export function versionIn(words: string): string {
  const [, version, , , library] = /version: (.*)/.exec(words)?.[1]?.split('/') ?? [];
  return `Envoy ${version ?? 'of unknown version'}, ${library ?? 'unknown TLS library'}`;
}

async function startEnvoy(command: string, bed: Bed, setup: Setup): Promise<Subject> {
  const places = await makePlaces('envoy', bed, setup);
  const path = join(places.folder, 'envoy.json');
  writeFileSync(path, JSON.stringify(envoyConfig(places), null, 2));
  const words = ['-c', path, '--concurrency', '1', '--disable-hot-restart', '--log-level', 'off'];
  const ports = { ...places.ports, pop3s: undefined, submissions: undefined };
  return startRival({ name: 'envoy', command, words, ports }, bed);
}

/**
 * The handshake listeners speak HTTP, since the TCP proxy filter dials as soon as a connection is accepted.
 * Envoy's circuit breakers stop at 1,024 connections unless raised.
 */
export function envoyConfig(places: Places): object {
  const { ports, serverPorts } = places;
  const limits = { max_connections: 2 * connectionsMax, max_pending_requests: 2 * connectionsMax };
  return {
    static_resources: {
      listeners: [
        listener({ name: 'imaps', port: ports.imaps, kind: '', filter: tcpFilter }, places),
        listener({ name: 'imaps-rsa', port: ports.imapsRsa, kind: 'rsa-', filter: tcpFilter }, places),
        listener({ name: 'handshake', port: ports.handshake, kind: '', filter: emptyAnswers }, places),
        listener(
          { name: 'handshake-rsa', port: ports.handshakeRsa, kind: 'rsa-', filter: emptyAnswers },
          places,
        ),
      ],
      clusters: [
        {
          name: 'stub',
          type: 'STATIC',
          connect_timeout: '5s',
          circuit_breakers: { thresholds: [limits] },
          load_assignment: {
            cluster_name: 'stub',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: loopback(serverPorts.imap) } }] }],
          },
          ...(places.isServerTls ? { transport_socket: serverTls(places.keys) } : {}),
        },
      ],
    },
  };
}

type Keys = '' | 'rsa-';

interface Listener {
  readonly name: string;
  readonly port: number;
  readonly kind: Keys;
  readonly filter: object;
}

function listener({ name, port, kind, filter }: Listener, { keys }: Places): object {
  const chain = { filters: [filter], transport_socket: clientTls(keys, kind) };
  return { name, address: loopback(port), tcp_backlog_size: backlog, filter_chains: [chain] };
}

function loopback(port: number): object {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

/** `cipher_suites` is for TLS 1.2; those of 1.3 can't be chosen, and the generator offers one. */
function clientTls(keys: string, kind: Keys): object {
  const certificate = {
    certificate_chain: { filename: join(keys, `${kind}cert.pem`) },
    private_key: { filename: join(keys, `${kind}key.pem`) },
  };
  const parameters = {
    tls_minimum_protocol_version: 'TLSv1_2',
    tls_maximum_protocol_version: 'TLSv1_3',
    cipher_suites: tls.ciphers.split(':'),
    ecdh_curves: tls.groups.split(':'),
  };
  return transportSocket('DownstreamTlsContext', {
    common_tls_context: { tls_params: parameters, tls_certificates: [certificate] },
  });
}

function transportSocket(type: string, more: object): object {
  const name = `type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.${type}`;
  return { name: 'envoy.transport_sockets.tls', typed_config: { '@type': name, ...more } };
}

function serverTls(keys: string): object {
  return transportSocket('UpstreamTlsContext', {
    sni: 'localhost',
    common_tls_context: {
      tls_params: { tls_maximum_protocol_version: 'TLSv1_3' },
      validation_context: {
        trusted_ca: { filename: join(keys, 'cert.pem') },
        match_typed_subject_alt_names: [{ san_type: 'DNS', matcher: { exact: 'localhost' } }],
      },
    },
  });
}

const tcpFilter = {
  name: 'envoy.filters.network.tcp_proxy',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
    stat_prefix: 'imaps',
    cluster: 'stub',
    idle_timeout: `${idleMinutes * 60}s`,
  },
};

const emptyAnswers = {
  name: 'envoy.filters.network.http_connection_manager',
  typed_config: {
    '@type':
      'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    stat_prefix: 'handshake',
    codec_type: 'HTTP1',
    route_config: {
      virtual_hosts: [
        {
          name: 'all',
          domains: ['*'],
          routes: [{ match: { prefix: '/' }, direct_response: { status: 204 } }],
        },
      ],
    },
  },
};
