import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { signStripeRequest } from '@penstock/core/providers/stripe/sign';
import { openDatabase } from '@penstock/db/database';
import { startEmbeddedPostgres } from '@penstock/local/embedded-postgres';
import { freePort } from '@penstock/local/ports';
import { obtainRedis } from '@penstock/local/redis';
import { collectFindings } from './findings.ts';
import { dockerfileText, readStages, type Stage } from './dockerfile.ts';
import { assembleRoot, runContained, startContained, type ContainedProcess, type ImageRoot } from './image.ts';

/**
 * Proves deploy/Dockerfile where there is no engine to build it: makes each
 * image's root by the script that the Dockerfile runs, and runs what it says in
 * there, as its user, on a read-only root, with nothing but the image's files.
 * A signed event goes in at ingest and must come out of the worker.
 */
if (process.getuid?.() !== 0) {
  process.stderr.write('prove-images mounts and changes its user, as an engine does: run it as root\n');
  process.exit(64);
}

const SIZE_MB_MAX = 200;
const SECRET = 'whsec_of_the_proof';
/** Packages that must not be in an image, by pnpm's names for their folders. */
const prunedFrom: Readonly<Record<string, readonly string[]>> = {
  ingest: ['pg', 'pg-protocol'],
  worker: ['hono', '@hono+node-server'],
};
const stages = readStages(dockerfileText);
const { tell, report } = collectFindings();

const folder = await mkdtemp(path.join(tmpdir(), 'penstock-images-'));
// The users that PostgreSQL and the images run as must get through.
await chmod(folder, 0o755);
try {
  await prove();
} catch (error) {
  tell('', 'the proof itself', error instanceof Error ? error.message : String(error), false);
} finally {
  await rm(folder, { recursive: true, force: true });
}
report();

interface Image {
  readonly name: string;
  readonly stage: Stage;
  readonly root: ImageRoot;
}
type Environment = Readonly<Record<string, string>>;

async function prove(): Promise<void> {
  await using resources = new AsyncDisposableStack();
  const images = await makeImages(resources);
  const postgres = resources.use(await startEmbeddedPostgres({ dataDir: path.join(folder, 'postgres') }));
  const redis = resources.use(await obtainRedis({ dir: path.join(folder, 'redis') }));
  const environment = {
    DATABASE_URL: postgres.url,
    REDIS_URL: redis.url,
    STRIPE_WEBHOOK_SECRET: SECRET,
    PAYPAL_WEBHOOK_ID: 'WHOFTHEPROOF',
    PAYPAL_CLIENT_ID: 'client',
    PAYPAL_CLIENT_SECRET: 'secret',
    CANARY_SECRET: `whsec_${Buffer.alloc(24, 7).toString('base64')}`,
    // An argument of the build, which names the commit.
    GIT_COMMIT: 'proof',
    CONSOLE_PASSWORD: 'a password for the proof',
    HOST: '127.0.0.1',
  };
  const migrated = await runImage(images.migrate, environment);
  tell('migrate', 'ends with 0, the schema applied', migrated.code, /^Applied /m.test(migrated.output));
  await refusesPostgresQueue(images.ingest, { ...environment, REDIS_URL: '', QUEUE_DATABASE_URL: postgres.url });

  const publicPort = await freePort();
  const running: { readonly image: Image; readonly contained: ContainedProcess; readonly own: Environment }[] = [];
  for (const image of [images.ingest, images.worker, images.console]) {
    await isConfined(image);
    const PORT = String(image === images.ingest ? publicPort : await freePort());
    const own = { ...environment, PORT, HEALTH_PORT: String(await freePort()) };
    const contained = await startContained({ ...image, command: image.stage.entrypoint ?? [], environment: own });
    running.push({ image, own, contained: resources.use(contained) });
  }
  for (const one of running) await isHealthy(one);
  await sendEvent(`http://127.0.0.1:${publicPort}/webhooks/stripe`, postgres.url);
  for (const { image, contained } of running) {
    contained.kill('SIGTERM');
    const code = await Promise.race([contained.ended, sleep(15_000, 'still there')]);
    tell(image.name, 'ends after SIGTERM', code, code === 0);
  }
}

async function makeImages(resources: AsyncDisposableStack) {
  const roots = new Map<string, ImageRoot>();
  for (const app of ['ingest', 'worker', 'console']) {
    process.stderr.write(`making the root of ${app}\n`);
    roots.set(`${app}-root`, resources.use(await assembleRoot(app, folder)));
  }
  const image = (name: string): Image => {
    const stage = stages.get(name);
    const root = roots.get(stage?.copiedFrom[0] ?? '');
    if (stage === undefined || root === undefined) throw new Error(`deploy/Dockerfile has no target ${name}`);
    tell(name, `files, at most ${SIZE_MB_MAX} MB`, `${root.sizeMb} MB`, root.sizeMb <= SIZE_MB_MAX);
    return { name, stage, root };
  };
  return { migrate: image('migrate'), ingest: image('ingest'), worker: image('worker'), console: image('console') };
}

async function runImage(image: Image, environment: Environment) {
  return runContained({ ...image, command: image.stage.entrypoint ?? [], environment });
}

async function refusesPostgresQueue(image: Image, environment: Environment): Promise<void> {
  const { code, output } = await runImage(image, environment);
  const isTold = code === 78 && output.includes('needs the package pg');
  tell(image.name, 'a queue in PostgreSQL', isTold ? 'refused, exit code 78' : output.slice(-300), isTold);
}

async function isHealthy(given: {
  readonly image: Image;
  readonly contained: ContainedProcess;
  readonly own: Environment;
}): Promise<void> {
  const { image, contained, own } = given;
  const asked = { ...image, command: image.stage.healthcheck ?? [], environment: own };
  const health = await untilTrue(async () => (await runContained(asked)).code === 0, contained);
  tell(image.name, 'its HEALTHCHECK', health ? 'healthy' : contained.output().slice(-500), health);
  const ready = await untilTrue(
    async () => (await fetch(`http://127.0.0.1:${own['HEALTH_PORT']}/ready`)).ok,
    contained,
  );
  tell(image.name, '/ready', ready ? 'ready' : contained.output().slice(-500), ready);
  const status = await readFile(`/proc/${contained.pid}/status`, 'utf8').catch(() => '');
  const user = /^Uid:\s+(\d+)/m.exec(status)?.[1] ?? '';
  tell(image.name, 'runs as', user, user === '65532');
}

/** Tries, inside the image, what it must not be able to do. */
async function isConfined(image: Image): Promise<void> {
  const attempt = async (script: string) =>
    (await runContained({ ...image, command: ['node', '-e', script] })).output.trim();
  const wrote = await attempt(`try { fs.writeFileSync('/app/x', '') } catch ({ code }) { console.log(code) }`);
  tell(image.name, 'writing to /app', wrote, wrote === 'EROFS');
  for (const one of prunedFrom[image.name] ?? []) {
    const found = await attempt(
      `console.log(fs.readdirSync('/app/node_modules/.pnpm').filter((name) => name.startsWith('${one}@')).length)`,
    );
    tell(image.name, `copies of ${one}`, found, found === '0');
  }
}

async function sendEvent(url: string, databaseUrl: string): Promise<void> {
  const body = Buffer.from(
    JSON.stringify({
      id: 'evt_of_the_proof',
      object: 'event',
      type: 'customer.deleted',
      created: Math.floor(Date.now() / 1000),
      livemode: false,
      data: { object: { id: 'cus_1', object: 'customer' } },
    }),
  );
  const headers = signStripeRequest({ body, secrets: [SECRET], signedAt: new Date() });
  const { status } = await fetch(url, { method: 'POST', headers: { ...headers }, body: new Uint8Array(body) });
  tell('ingest', 'answers a signed event', status, status === 200);
  await using db = openDatabase({ url: databaseUrl, poolMax: 1, applicationName: 'proof' });
  let state = 'not stored';
  const finished = await untilTrue(async () => {
    const { rows: found } = await sql<{ state: string }>`
      select state from ledger where provider_event_id = 'evt_of_the_proof'`.execute(db);
    state = found[0]?.state ?? state;
    return state === 'processed' || state === 'ignored';
  });
  tell('worker', 'the event is then', state, finished);
}

/** A fresh process answers within seconds; a loaded machine may take twenty. */
async function untilTrue(check: () => Promise<boolean>, of?: ContainedProcess): Promise<boolean> {
  const deadline = performance.now() + 30_000;
  while (performance.now() < deadline && of?.hasEnded() !== true) {
    if (await check().catch(() => false)) return true;
    await sleep(100);
  }
  return false;
}
