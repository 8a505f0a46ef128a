import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Redis } from 'ioredis';
import { sql } from 'kysely';
import * as z from 'zod';
import { CANARY_ENDPOINT } from '@penstock/core/canary';
import { openDatabase } from '@penstock/db/database';
import { freePort } from '@penstock/local/ports';
import { collectFindings } from './findings.ts';
import { checkAllowList, checkRateLimit, type Sender } from './loopback-cases.ts';
import { send, signed, statuses, trickle } from './loopback-requests.ts';
import { startLoopbackSystem } from './loopback-system.ts';
import { assertAnswers, deployFile, startServer } from './topology.ts';
import { untilTrue } from './until-true.ts';

/**
 * The topology of deploy/compose.yaml on loopback, from Debian's packages
 * (nginx, redis-server, postgresql, pgbouncer, prometheus), with the
 * configuration files and scripts of this folder. Signed events go in through nginx over
 * TLS; ingests are killed; everything is stopped in the end.
 */
const SECRET = 'whsec_of_the_loopback';
/** All of 127.0.0.0/8 is this machine's, on Linux. */
const ANOTHER_ADDRESS = '127.0.0.2';
const { tell, report } = collectFindings();
const folder = mkdtempSync(path.join(tmpdir(), 'penstock-loopback-'));
// The users that nginx, PgBouncer and PostgreSQL run as must get through.
chmodSync(folder, 0o755);
try {
  await using resources = new AsyncDisposableStack();
  await prove(resources);
} catch (error) {
  tell('', 'the proof itself', error instanceof Error ? error.message : String(error), false);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
report();

async function prove(resources: AsyncDisposableStack): Promise<void> {
  const system = await startLoopbackSystem({ folder, stripeSecret: SECRET }, resources);
  const agent = new Agent({ keepAlive: true, maxSockets: 32, ca: readFileSync(path.join(system.secrets, 'tls.crt')) });
  resources.defer(() => agent.destroy());
  const base = `https://localhost:${system.publicPort}`;
  const post: Sender['post'] = (at, body, headers = {}) => send({ url: `${base}${at}`, agent, body, headers });
  const event: Sender['event'] = (id, at = '/webhooks/stripe', bytes = 0) => post(at, ...signed(id, SECRET, bytes));

  const ids = Array.from({ length: 60 }, (_, number) => `evt_${number}`);
  const answers = await Promise.all([...ids, ...ids].map((id) => event(id)));
  tell(
    'nginx',
    '60 events, each twice',
    statuses(answers),
    answers.every(({ status }) => status === 200),
  );
  await applied(system.readUrl, ids.length);
  await arrived(system.readUrl);
  const upstreams = new Set(readFileSync(path.join(folder, 'nginx-server.log'), 'utf8').match(/"upstream":"[\d.:]+"/g));
  tell('nginx', 'ingests that took them', upstreams.size, upstreams.size === 2);

  const [body, proof] = signed('evt_of_another', SECRET);
  await send({ url: `${base}/webhooks/stripe`, agent, from: ANOTHER_ADDRESS, body, headers: proof });
  const isTold = await untilTrue(async () => ingestLines().includes(`"client":"${ANOTHER_ADDRESS}"`));
  tell('ingest', "the client's address, past nginx", isTold ? ANOTHER_ADDRESS : 'not told', isTold);

  const roles = await rolesInUse(system.adminUrl);
  tell('PostgreSQL', 'roles that are connected', roles, roles === 'penstock_console, penstock_worker, replicator');

  const [, , workerPort = 0] = system.healthPorts;
  const lag = await lagTold(workerPort);
  tell('workers', 'how far the replica is behind', lag ?? 'not told', lag !== null);

  const forged = await post('/webhooks/stripe', Buffer.from('{}'), {
    'content-type': 'application/json',
    'stripe-signature': 't=1,v1=00',
  });
  tell('ingest', 'a forged event', forged.status, forged.status === 401);
  const large = await post('/webhooks/stripe', Buffer.alloc(11 * 1024 * 1024));
  tell('nginx', 'a body of 11 MiB', large.status, large.status === 413);
  const slow = await trickle({ url: `${base}/webhooks/stripe`, agent, headers: proof });
  tell('ingest', 'a body of which a byte comes each 0.1 s', slow?.status ?? 'waited for', slow?.status === 408);
  const elsewhere = await post('/metrics', Buffer.from(''));
  tell('nginx', 'anything but a webhook', elsewhere.status, elsewhere.status === 404);
  const flood = await Promise.all(Array.from({ length: 1_200 }, () => post('/webhooks/other', Buffer.from('{}'))));
  const refused = flood.filter(({ status }) => status === 429);
  const areTold = refused.length > 0 && refused.every(({ retryAfter }) => retryAfter === '1');
  tell('nginx', '1,200 at once, where 200 a second may', `${refused.length} refused, Retry-After 1`, areTold);
  await checkAllowList({ nginx: system.nginx, sender: { post, event }, tell });
  await checkRateLimit({ healthPorts: system.healthPorts, sender: { post, event }, tell });
  const login = await send({ url: `https://localhost:${system.consolePort}/login`, agent, headers: {} });
  tell('nginx', "the console's login", login.status, login.status === 200);
  await scraped(resources, system.healthPorts);

  const [first, second] = system.ingests;
  await first?.kill();
  const others = Array.from({ length: 40 }, (_, number) => `evt_more_${number}`);
  const later = await Promise.all(others.map((id, at) => event(id, '/webhooks/stripe', at % 2 === 0 ? 0 : 100_000)));
  tell(
    'nginx',
    '40 events, half of 100 kB, one ingest killed',
    statuses(later),
    later.every(({ status }) => status === 200),
  );
  await applied(system.readUrl, ids.length + others.length + 2);
  await nothingDenied(system.redisWatcherUrl);
  await second?.kill();
  const none = await event('evt_last');
  tell(
    'nginx',
    'no ingest left',
    `${none.status}, Retry-After ${none.retryAfter}`,
    none.status === 503 && none.retryAfter === '5',
  );
}

/** What the ingests have logged so far. */
function ingestLines(): string {
  const files = readdirSync(folder).filter((name) => /^ingest-\d+\.log$/.test(name));
  return files.map((name) => readFileSync(path.join(folder, name), 'utf8')).join('');
}

async function scraped(resources: AsyncDisposableStack, healthPorts: readonly number[]): Promise<void> {
  const port = await freePort();
  for (const file of ['rules.yml', 'alerts.yml'])
    writeFileSync(path.join(folder, file), deployFile(`prometheus/${file}`));
  const file = path.join(folder, 'prometheus.yml');
  const targets = JSON.stringify(healthPorts.map((one) => `127.0.0.1:${one}`));
  writeFileSync(
    file,
    deployFile('prometheus/prometheus.compose.yml')
      .replace(/\['ingest-1.*\]/, targets)
      .replace(/ {4}# As many[\s\S]*$/, '')
      .replace('scrape_interval: 15s', 'scrape_interval: 1s'),
  );
  resources.use(
    await startServer({
      folder,
      name: 'prometheus',
      command: 'prometheus',
      args: [`--web.listen-address=127.0.0.1:${port}`, `--storage.tsdb.path=${folder}/tsdb`, `--config.file=${file}`],
      port,
      probe: () => assertAnswers(`http://127.0.0.1:${port}/-/ready`),
    }),
  );
  const query = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent('sum(up{job="penstock"})')}`;
  let text = '';
  const all = await untilTrue(async () => {
    text = await (await fetch(query)).text();
    return text.includes(`"${healthPorts.length}"`);
  });
  tell('prometheus', 'processes that it scrapes', all ? healthPorts.length : text, all);
}

/** Asked of the replica, so that replication is seen too. */
async function applied(url: string, count: number): Promise<void> {
  await using db = openDatabase({ url, poolMax: 1, applicationName: 'loopback' });
  let found = 0;
  const done = await untilTrue(async () => {
    const { rows } = await sql<{ count: number }>`
      select count(*)::int as count from ledger where state in ('processed', 'ignored') and endpoint <> ${CANARY_ENDPOINT}`.execute(
      db,
    );
    found = rows[0]?.count ?? 0;
    return found === count;
  });
  tell('workers', 'events finished, as the replica has it', `${found} of ${count}`, done);
}

/** Redis keeps what a user asked and may not. */
async function nothingDenied(url: string): Promise<void> {
  const redis = new Redis(url, { enableReadyCheck: false });
  const entries = z.array(z.array(z.unknown())).parse(await redis.call('ACL', 'LOG', '100'));
  redis.disconnect();
  const denied = entries.map((entry) => entry.map(String)).filter((entry) => entry.includes('penstock'));
  const what = denied.map((entry) => entry[entry.indexOf('object') + 1]);
  tell('Redis', 'commands and keys denied to its user', what.join(', ') || 'none', denied.length === 0);
}

/** Absent where the worker's role may not see it. */
async function lagTold(port: number): Promise<string | null> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return /^penstock_database_replica_lag_seconds(?:\{.*\})? (?<seconds>.*)$/m.exec(text)?.groups?.['seconds'] ?? null;
}

async function rolesInUse(adminUrl: string): Promise<string> {
  await using db = openDatabase({ url: adminUrl, poolMax: 1, applicationName: 'loopback' });
  const { rows } = await sql<{ role: string }>`
    select distinct usename as role from pg_stat_activity
     where usename <> current_user and backend_type in ('client backend', 'walsender') order by role`.execute(db);
  return rows.map(({ role }) => role).join(', ');
}

/** Through nginx, over TLS, by the certificate of make-secrets.sh. */
async function arrived(url: string): Promise<void> {
  await using db = openDatabase({ url, poolMax: 1, applicationName: 'loopback' });
  const done = await untilTrue(async () => {
    const { rows } = await sql`select from ledger where endpoint = ${CANARY_ENDPOINT} and state = 'ignored'`.execute(
      db,
    );
    return rows.length > 0;
  });
  tell('workers', "the canary's own event", done ? 'arrived' : 'lost', done);
}
