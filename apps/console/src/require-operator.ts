import { createHash, timingSafeEqual } from 'node:crypto';
import type { Context, MiddlewareHandler } from 'hono';
import { refuse, type ConsoleEnv } from './respond.ts';

/**
 * Lets a change through only where all three hold: the browser says that it
 * comes from a page of ours (Sec-Fetch-Site, else Origin), it carries the
 * session's own token, and whoever is logged in is an operator. Looking needs
 * none of them.
 */
export function requireOperator(): MiddlewareHandler<ConsoleEnv> {
  return async (context, next) => {
    if (context.req.method === 'GET' || context.req.method === 'HEAD') return next();
    const { role, csrf } = context.var.session;
    if (!isFromOurPage(context)) return refuse(context, { kind: 'origin_foreign' });
    if (role !== 'operator') return refuse(context, { kind: 'operator_required' });
    if (!isSame((await tokenOf(context)) ?? '', csrf)) return refuse(context, { kind: 'csrf_invalid' });
    return next();
  };
}

/** Behind a proxy that ends TLS the scheme differs, the host does not. */
function isFromOurPage({ req }: Context<ConsoleEnv>): boolean {
  const site = req.header('sec-fetch-site');
  if (site !== undefined) return site === 'same-origin';
  const origin = req.header('origin');
  return origin !== undefined && URL.parse(origin)?.host === new URL(req.url).host;
}

/** Forms carry it in a field, Bull Board's page in the header that it makes of its cookie. */
async function tokenOf({ req }: Context<ConsoleEnv>): Promise<string | undefined> {
  const header = req.header('x-xsrf-token') ?? req.header('x-csrf-token');
  if (header !== undefined) return header;
  if (req.header('content-type')?.startsWith('application/x-www-form-urlencoded') !== true) return undefined;
  return new URLSearchParams(await req.text()).get('csrf') ?? undefined;
}

function isSame(one: string, other: string): boolean {
  const [left, right] = [one, other].map((text) => createHash('sha256').update(text).digest());
  return left !== undefined && right !== undefined && timingSafeEqual(left, right);
}
