import { maskPayload } from '@penstock/core/masking/mask-fields';
import { maskJson } from '@penstock/core/masking/mask-text';
import type { MiddlewareHandler } from 'hono';
import * as z from 'zod';
import type { ConsoleEnv } from './respond.ts';

/** The part of a delivery that is a provider's; the job may be another version's, or no delivery at all. */
const withBody = z.looseObject({ body: z.object({ encoding: z.enum(['utf8', 'base64']), data: z.string() }) });

/** A job's data as people may see it: the provider's body is opened, so that what its fields' names say is personal is hidden. */
export function maskJobData(data: unknown): unknown {
  const parsed = withBody.safeParse(data);
  if (!parsed.success) return maskJobValue(data);
  const { body, ...rest } = parsed.data;
  const shown = maskPayload(Buffer.from(body.data, body.encoding).toString('utf8'));
  return { ...z.record(z.string(), z.unknown()).catch({}).parse(maskJobValue(rest)), body: shown };
}

/** Any other value of a job. */
export function maskJobValue(value: unknown): unknown {
  return value === undefined ? undefined : maskPayload(JSON.stringify(value));
}

/** The board's formatters do not reach why a job failed, where, its logs, nor its name: the finished answer is searched for those. */
export function maskBoardAnswers(): MiddlewareHandler<ConsoleEnv> {
  return async (context, next) => {
    await next();
    const { res } = context;
    if (res.headers.get('content-type')?.startsWith('application/json') !== true) return;
    const text = maskJson(await res.text());
    context.res = new Response(text, { status: res.status, headers: withoutLength(res.headers) });
  };
}

function withoutLength(given: Headers): Headers {
  const headers = new Headers(given);
  headers.delete('content-length');
  return headers;
}
