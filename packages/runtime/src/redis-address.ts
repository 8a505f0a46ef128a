import { readFileSync } from 'node:fs';
import { ConfigurationError } from '@penstock/core/failure';

/** Where one Redis, Valkey or Sentinel listens. */
export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

interface Login {
  readonly username?: string;
  readonly password?: string;
}

/** What TLS is done with; what is left out is Node's default. PEM. */
export interface RedisTls {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** The name that the certificate must carry, where it is not the host's. */
  readonly servername?: string;
}

/** What REDIS_URL says: one server, a cluster, or a master that sentinels know. */
export type RedisAddress = {
  readonly login: Login;
  /** Null: in the clear. */
  readonly tls: RedisTls | null;
} & (
  | { readonly kind: 'single'; readonly node: HostAndPort; readonly db: number }
  | { readonly kind: 'cluster'; readonly nodes: readonly HostAndPort[] }
  | {
      readonly kind: 'sentinel';
      readonly sentinels: readonly HostAndPort[];
      readonly sentinelLogin: Login;
      readonly master: string;
      readonly db: number;
    }
);

/** What may follow the question mark, by the kind of address. */
const parameters = {
  single: ['ca', 'cert', 'key', 'servername'],
  cluster: ['ca', 'cert', 'key', 'servername'],
  sentinel: ['ca', 'cert', 'key', 'servername', 'db', 'sentinelUsername', 'sentinelPassword'],
} as const satisfies Record<RedisAddress['kind'], readonly string[]>;

const form =
  /^redis(?<tls>s)?(?:\+(?<kind>cluster|sentinel))?:\/\/(?:(?<username>[^:@/]*)(?::(?<password>[^@/]*))?@)?(?<hosts>[^/?@]+)(?:\/(?<path>[^?]*))?(?:\?(?<query>.*))?$/;

const usualPorts = { single: 6379, cluster: 6379, sentinel: 26_379 };

/**
 * Reads `redis://host:port/db`, `redis+cluster://host:port,host:port` or
 * `redis+sentinel://host:port,host:port/master`; `rediss` in place of `redis`
 * is TLS, whose files `?ca=`, `&cert=` and `&key=` name. Throws
 * ConfigurationError, which never holds a password.
 */
export function readRedisAddress(url: string): RedisAddress {
  const match = form.exec(url)?.groups;
  const hosts = match?.['hosts'];
  if (match === undefined || hosts === undefined) throw problem('must be a redis:// or rediss:// URL');
  const kind = kindOf(match['kind']);
  const query = new URLSearchParams(match['query'] ?? '');
  for (const name of query.keys())
    if (!parameters[kind].some((known) => known === name))
      throw problem(`does not know ${name}= here; it knows ${parameters[kind].join(', ')}`);
  const common = {
    login: loginOf(match['username'], match['password']),
    tls: readTls(query, match['tls'] !== undefined),
  };
  const [first, ...others] = hosts.split(',').map((host) => readHost(host, usualPorts[kind]));
  if (first === undefined) throw problem('names no host');
  const path = decoded(match['path'] ?? '');
  switch (kind) {
    case 'single':
      if (others.length > 0)
        throw problem('names several hosts: write redis+cluster:// or redis+sentinel:// in place of redis://');
      return { ...common, kind, node: first, db: readDb(path) };
    case 'cluster':
      if (path !== '' && path !== '0') throw problem('names a database, and a cluster has only the one');
      return { ...common, kind, nodes: [first, ...others] };
    case 'sentinel':
      if (path === '') throw problem('must name the master that the sentinels watch: redis+sentinel://host:26379/name');
      return {
        ...common,
        kind,
        sentinels: [first, ...others],
        sentinelLogin: loginOf(query.get('sentinelUsername') ?? undefined, query.get('sentinelPassword') ?? undefined),
        master: path,
        db: readDb(query.get('db') ?? ''),
      };
  }
}

/**
 * What BullMQ's keys begin with. A script of its may touch those of one slot of
 * a cluster alone, which the braces see to.
 * Source: Redis, Cluster specification, hash tags.
 */
export function keyPrefix({ url, name }: { readonly url: string; readonly name: string }): string {
  return readRedisAddress(url).kind === 'cluster' ? `bull:{${name}}` : 'bull';
}

function kindOf(word: string | undefined): RedisAddress['kind'] {
  return word === 'cluster' || word === 'sentinel' ? word : 'single';
}

function problem(what: string): ConfigurationError {
  return new ConfigurationError([`REDIS_URL ${what}`]);
}

function loginOf(username: string | undefined, password: string | undefined): Login {
  return {
    ...(username === undefined || username === '' ? {} : { username: decoded(username) }),
    ...(password === undefined || password === '' ? {} : { password: decoded(password) }),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw problem('holds a % that begins no percent-encoded character');
  }
}

function readHost(text: string, usualPort: number): HostAndPort {
  const groups = /^(?:\[(?<v6>[\da-fA-F:.]+)\]|(?<name>[^:[\]]+))(?::(?<port>\d{1,5}))?$/.exec(text)?.groups;
  const host = groups?.['v6'] ?? groups?.['name'];
  const port = Number(groups?.['port'] ?? usualPort);
  if (host === undefined || port < 1 || port > 65_535)
    throw problem('must name hosts as name:port, with commas between');
  return { host, port };
}

function readDb(text: string): number {
  if (!/^\d{0,3}$/.test(text)) throw problem('must name its database by a number');
  return Number(text);
}

function readTls(query: URLSearchParams, isTls: boolean): RedisTls | null {
  if (!isTls) {
    const asked = ['ca', 'cert', 'key', 'servername'].filter((name) => query.has(name));
    if (asked.length > 0) throw problem(`says ${asked.join(', ')}, and that takes rediss:// in place of redis://`);
    return null;
  }
  if (query.has('cert') !== query.has('key')) throw problem('needs cert= and key= together');
  const [ca, cert, key] = [fileOf(query, 'ca'), fileOf(query, 'cert'), fileOf(query, 'key')];
  const servername = query.get('servername');
  return {
    ...(ca === null ? {} : { ca }),
    ...(cert === null ? {} : { cert }),
    ...(key === null ? {} : { key }),
    ...(servername === null ? {} : { servername }),
  };
}

function fileOf(query: URLSearchParams, name: 'ca' | 'cert' | 'key'): string | null {
  const file = query.get(name);
  if (file === null) return null;
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw problem(`names a file by ${name}= that cannot be read: ${file} (${code})`);
  }
}
