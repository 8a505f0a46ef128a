import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { getRequestListener } from '@hono/node-server';
import { sharing } from '@penstock/ingest/enqueue-together';
import { addJobsTogether, type NewJob } from '@penstock/runtime/add-jobs-together';
import { gather } from '@penstock/runtime/gather';
import { Queue } from 'bullmq';
import { Hono } from 'hono';
import { Redis } from 'ioredis';
import * as z from 'zod';
import { benchSecret } from '../stripe-requests.ts';
import { baselines, type Baseline } from './baselines.ts';

const argumentSchema = z.tuple([z.enum(baselines), z.string()]);

const [baseline, redisUrl] = argumentSchema.parse(process.argv.slice(2, 4));
const server = createServer(listenerOf(baseline));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  const port = address === null || typeof address === 'string' ? 0 : address.port;
  process.stdout.write(`${JSON.stringify({ port })}\n`);
});
process.once('SIGTERM', () => process.exit(0));

function listenerOf(kind: Baseline): Parameters<typeof createServer>[1] {
  if (kind === 'node-http')
    return async (request, response) => {
      await text(request);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 21 });
      response.end('{"status":"accepted"}');
    };
  const app = new Hono();
  const keep = keeperOf(kind);
  app.post('/webhooks/stripe', async (context) => {
    const body = Buffer.from(await context.req.arrayBuffer());
    if (!(await keep(body, context.req.header('stripe-signature') ?? ''))) return context.json({ status: 'no' }, 401);
    return context.json({ status: 'accepted' });
  });
  return getRequestListener(app.fetch);
}

type Keep = (body: Buffer, signature: string) => Promise<boolean>;

function keeperOf(kind: Exclude<Baseline, 'node-http'>): Keep {
  if (kind === 'hono') return async () => true;
  if (kind === 'hono-hmac') return async (body, signature) => isGenuine(body, signature);
  const redis = new Redis(redisUrl, { maxRetriesPerRequest: null });
  if (kind === 'hono-hmac-xadd')
    return async (body, signature) =>
      isGenuine(body, signature) && (await redis.xadd('events', '*', 'body', body)) !== null;
  const add = kind === 'hono-grouped' ? addInGroups(redis) : addAlone(redis);
  return async (body, signature) => {
    if (!isGenuine(body, signature)) return false;
    const event = body.toString('utf8');
    await add({ name: 'event', data: { body: event }, jobId: `stripe.${idOf(JSON.parse(event))}` });
    return true;
  };
}

type Add = (job: NewJob) => Promise<unknown>;

function addAlone(redis: Redis): Add {
  const queue = new Queue('webhooks', { connection: redis });
  return ({ name, data, jobId }) => queue.add(name, data, { jobId });
}

/** With ingest's own parts and numbers. */
function addInGroups(redis: Redis): Add {
  const addJobs = addJobsTogether(redis, new Queue('webhooks', { connection: redis }));
  return gather({ ...sharing, take: (jobs: readonly NewJob[]) => addJobs(jobs, {}) });
}

/** One `v1` under one secret, as a quick start would check it. */
function isGenuine(body: Buffer, signature: string): boolean {
  const [, timestamp = '', given = ''] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? [];
  const expected = createHmac('sha256', benchSecret).update(`${timestamp}.`).update(body).digest();
  return given.length === 64 && timingSafeEqual(Buffer.from(given, 'hex'), expected);
}

function idOf(event: unknown): string {
  return typeof event === 'object' && event !== null && 'id' in event ? String(event.id) : '';
}
