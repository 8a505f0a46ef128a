import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { CANARY_ENDPOINT } from '@penstock/core/canary';
import { openDatabase } from '@penstock/db/database';
import type { LocalServer } from '@penstock/local/local-service';
import { freePort } from '@penstock/local/ports';
import { collectFindings } from './findings.ts';
import { send, signed, statuses, type Answer } from './loopback-requests.ts';
import { startLoopbackSystem } from './loopback-system.ts';
import { assertAnswers, deployFile, startServer } from './topology.ts';

/**
 * The topology of deploy/compose.yaml on loopback, from Debian's packages
 * (nginx, redis-server, pgbouncer, prometheus) and npm's PostgreSQL, with the
 * configuration files of this folder. Signed events go in through nginx over
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
  const post = (at: string, body: Buffer, headers: Readonly<Record<string, string>> = {}) =>
    send({ url: `https://localhost:${system.publicPort}${at}`, agent, body, headers });
  const event = (id: string) => post('/webhooks/stripe', ...signed(id, SECRET));

  const ids = Array.from({ length: 60 }, (_, number) => `evt_${number}`);
  const answers = await Promise.all([...ids, ...ids].map(event));
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
  const url = `https://localhost:${system.publicPort}/webhooks/stripe`;
  await send({ url, agent, from: ANOTHER_ADDRESS, body, headers: proof });
  const isTold = await untilTrue(async () => ingestLines().includes(`"client":"${ANOTHER_ADDRESS}"`));
  tell('ingest', "the client's address, past nginx", isTold ? ANOTHER_ADDRESS : 'not told', isTold);

  const roles = await rolesInUse(system.adminUrl);
  tell('PostgreSQL', 'roles that are connected', roles, roles === 'penstock_console, penstock_worker, replicator');

  const forged = await post('/webhooks/stripe', Buffer.from('{}'), {
    'content-type': 'application/json',
    'stripe-signature': 't=1,v1=00',
  });
  tell('ingest', 'a forged event', forged.status, forged.status === 401);
  const large = await post('/webhooks/stripe', Buffer.alloc(11 * 1024 * 1024));
  tell('nginx', 'a body of 11 MiB', large.status, large.status === 413);
  const elsewhere = await post('/metrics', Buffer.from(''));
  tell('nginx', 'anything but a webhook', elsewhere.status, elsewhere.status === 404);
  const flood = await Promise.all(Array.from({ length: 1_200 }, () => post('/webhooks/other', Buffer.from('{}'))));
  const refused = flood.filter(({ status }) => status === 429);
  const areTold = refused.length > 0 && refused.every(({ retryAfter }) => retryAfter === '1');
  tell('nginx', '1,200 at once, where 200 a second may', `${refused.length} refused, Retry-After 1`, areTold);
  await closedEndpoint(system.nginx, event);
  const login = await send({ url: `https://localhost:${system.consolePort}/login`, agent, headers: {} });
  tell('nginx', "the console's login", login.status, login.status === 200);
  await scraped(resources, system.healthPorts);

  const [first, second] = system.ingests;
  await first?.kill();
  const others = Array.from({ length: 40 }, (_, number) => `evt_more_${number}`);
  const later = await Promise.all(others.map(event));
  tell(
    'nginx',
    '40 events, one ingest killed',
    statuses(later),
    later.every(({ status }) => status === 200),
  );
  await applied(system.readUrl, ids.length + others.length + 1);
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

/** deploy/nginx/allow: with a file that names another address, this one is refused. */
async function closedEndpoint(nginx: LocalServer, event: (id: string) => Promise<Answer>): Promise<void> {
  const file = path.join(folder, 'nginx/allow/stripe.conf');
  writeFileSync(file, 'allow 203.0.113.0/24;\ndeny all;\n');
  process.kill(nginx.pid, 'SIGHUP');
  const closed = await untilTrue(async () => (await event('evt_0')).status === 403);
  tell('nginx', 'an address that is not in allow/', closed ? 403 : 'let through', closed);
  rmSync(file);
  process.kill(nginx.pid, 'SIGHUP');
  await untilTrue(async () => (await event('evt_0')).status === 200);
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

async function untilTrue(check: () => Promise<boolean>): Promise<boolean> {
  const deadline = performance.now() + 40_000;
  while (performance.now() < deadline) {
    if (await check().catch(() => false)) return true;
    await sleep(100);
  }
  return false;
}
