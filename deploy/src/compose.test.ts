import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { compose, composeText } from './compose.ts';
import { repository } from './dockerfile.ts';
import { makeSecrets } from './topology.ts';

const read = (file: string) => readFileSync(path.join(repository, 'deploy', file), 'utf8');
const { services, networks, secrets } = compose;
const ours = Object.entries(services).filter(([, { build }]) => build !== undefined);

test('compose names no service, network or secret that it does not have', () => {
  for (const [name, service] of Object.entries(services)) {
    expect(Object.keys(services), name).toEqual(expect.arrayContaining(service.depends_on));
    expect(Object.keys(networks), name).toEqual(expect.arrayContaining(service.networks));
    expect(Object.keys(secrets), name).toEqual(expect.arrayContaining(service.secrets));
    for (const [variable, value] of Object.entries(service.environment))
      if (variable.endsWith('_FILE')) expect(service.secrets, `${name} ${variable}`).toContain(path.basename(value));
  }
});

test('ingest and console believe nginx, and nobody outside of the network they share, what it says of its client', () => {
  const [, subnet] = /^  front:\n(?:.*\n)*?.*subnet: (?<subnet>[\d./]+)/m.exec(composeText) ?? [];
  expect(services['nginx']?.networks).toContain('front');
  expect(services['ingest-1']?.environment).toMatchObject({ TRUSTED_PROXIES: subnet, REFUSALS_PER_MINUTE: '60' });
  expect(services['console']?.environment).toMatchObject({ TRUSTED_PROXIES: subnet });
});

test('every secret of compose is made by make-secrets.sh', () => {
  const script = read('make-secrets.sh');
  for (const [name, { file }] of Object.entries(secrets)) {
    expect(file).toBe(`./secrets/${name}`);
    expect(script, name).toContain(name);
  }
});

test('who connects to PostgreSQL does so as a role of its own, which primary.sh makes and PgBouncer knows', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'secrets-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const secretsFolder = makeSecrets(folder);
  const secret = (name: string) => readFileSync(path.join(secretsFolder, name), 'utf8');
  const script = read('postgres/primary.sh');
  const users = secret('pgbouncer-users');
  const url = (service: string, variable: string) =>
    new URL(secret(path.basename(services[service]?.environment[variable] ?? '')));
  const connections = {
    penstock_worker: url('worker', 'DATABASE_URL_FILE'),
    penstock_console: url('console', 'DATABASE_URL_FILE'),
    penstock_read: url('console', 'DATABASE_REPLICA_URL_FILE'),
    penstock_owner: url('migrate', 'DATABASE_URL_FILE'),
  };
  for (const [role, { username, password, hostname }] of Object.entries(connections)) {
    expect(username).toBe(role);
    const [, variable] = new RegExp(`^create role ${role} login password :'(\\w+)';$`, 'm').exec(script) ?? [];
    const [, file = ''] = new RegExp(`-v ${variable}="\\$\\(secret ([a-z-]+)\\)"`).exec(script) ?? [];
    expect(services['postgres']?.secrets).toContain(file);
    expect(secret(file)).toBe(password);
    if (hostname === 'pgbouncer') expect(users).toContain(`"${role}" "${password}"\n`);
  }
  expect(services['ingest-1']?.environment).not.toHaveProperty('DATABASE_URL_FILE');
});

test.each([
  ['pay.example.com', 'https://pay.example.com/webhooks/canary'],
  ['localhost', 'https://nginx:8443/webhooks/canary'],
])(
  'one worker sends the canary the way to %s, with the secret that ingest knows, and trusts its certificate',
  (host, url) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'secrets-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const secretsFolder = makeSecrets(folder, host);
    const secret = (name: string) => readFileSync(path.join(secretsFolder, name), 'utf8');
    expect(secret('canary-url')).toBe(url);
    expect(secret('canary-secret')).toMatch(/^whsec_[A-Za-z0-9+/]{32}$/);
    expect(new X509Certificate(secret('tls.crt')).checkHost(new URL(url).hostname)).toBe(new URL(url).hostname);
    expect(ours.filter(([, { environment }]) => 'CANARY_URL_FILE' in environment).map(([name]) => name)).toEqual([
      'worker-canary',
    ]);
    for (const name of ['ingest-1', 'ingest-2', 'worker-canary'])
      expect(services[name]?.environment, name).toMatchObject({ CANARY_SECRET_FILE: '/run/secrets/canary-secret' });
    expect(services['worker-canary']).toMatchObject({
      environment: { ...services['worker']?.environment, NODE_EXTRA_CA_CERTS: '/run/secrets/tls.crt' },
      secrets: expect.arrayContaining([...(services['worker']?.secrets ?? []), 'tls.crt']),
      networks: services['worker']?.networks,
    });
  },
);

test("what events are signed with is ingest's alone, but for the canary's, which one worker signs with", () => {
  const signing = ['stripe-webhook-secret', 'paypal-webhook-id', 'canary-secret'];
  const holders = Object.entries(services).map(
    ([name, { secrets: held }]) => [name, held.filter((secret) => signing.includes(secret))] as const,
  );
  expect(Object.fromEntries(holders.filter(([, held]) => held.length > 0))).toEqual({
    'ingest-1': signing,
    'ingest-2': signing,
    'worker-canary': ['canary-secret'],
  });
});

test('what reaches nginx from outside cannot fill the memory of the host', () => {
  expect(services['nginx']?.deploy.resources?.limits.memory).toBe('512M');
  for (const [name, { tmpfs }] of Object.entries(services))
    for (const mount of tmpfs) expect(mount, name).toMatch(/,size=\d+m$/);
  const nginx = read('nginx/nginx.conf');
  for (const unbuffered of ['proxy_request_buffering off;', 'proxy_max_temp_file_size 0;', 'worker_processes 2;'])
    expect(nginx).toContain(unbuffered);
});

test('traces go from the collector to Tempo and from there to Grafana, each by a network that both are in', () => {
  const [, datasource] =
    /type: tempo\n +url: http:\/\/(?<host>[\w.-]+):3200/.exec(read('grafana/datasources.compose.yml')) ?? [];
  const [, exporter] = /otlphttp:\n +endpoint: http:\/\/(?<host>[\w.-]+):4318/.exec(read('otel/collector.yaml')) ?? [];
  expect([datasource, exporter]).toEqual(['tempo', 'tempo']);
  const tempo = services['tempo']?.networks ?? [];
  for (const name of ['grafana', 'otel-collector'])
    expect(
      services[name]?.networks.filter((network) => tempo.includes(network)),
      name,
    ).not.toEqual([]);
  expect(services['ingest-1']?.networks).toEqual(
    expect.arrayContaining(services['otel-collector']?.networks.filter((network) => !tempo.includes(network)) ?? ['']),
  );
});

test('no process of ours has root, a writable root, or less time to stop than it may take', () => {
  expect(ours.map(([name]) => name).toSorted()).toEqual([
    'console',
    'ingest-1',
    'ingest-2',
    'migrate',
    'worker',
    'worker-canary',
  ]);
  for (const [name, service] of ours) {
    expect(service, name).toMatchObject({ read_only: true, cap_drop: ['ALL'], stop_grace_period: '15s' });
    expect(service.environment['SHUTDOWN_MS'], name).toBeUndefined();
  }
});

test('ingest cannot reach the ledger, and nothing but nginx is reached from outside this host', () => {
  for (const name of ['ingest-1', 'ingest-2']) expect(services[name]?.networks).not.toContain('ledger');
  for (const [name, { ports }] of Object.entries(services))
    expect(
      ports.filter((port) => !port.startsWith('127.0.0.1:')),
      name,
    ).toEqual(name === 'nginx' ? ['0.0.0.0:443:8443'] : []);
});

test('nginx looks for ingests and console where compose puts them', () => {
  const nginx = read('nginx/nginx.conf');
  for (const [name, port] of [
    ['ingest-1', 8080],
    ['ingest-2', 8080],
    ['console', 8081],
  ] as const) {
    const address = new RegExp(`^  ${name}:[\\s\\S]*?ipv4_address: ([\\d.]+)`, 'm').exec(composeText)?.[1];
    expect(nginx, name).toContain(`${address}:${port}`);
  }
});

test('Redis is told all that ingest demands of it', () => {
  const command = services['redis']?.command?.join(' ') ?? '';
  for (const demanded of ['--appendonly yes', '--appendfsync always', '--maxmemory-policy noeviction'])
    expect(command).toContain(demanded);
});
