import type { MiddlewareHandler } from 'hono';
import { setCookie } from 'hono/cookie';
import type { ConsoleEnv } from './respond.ts';

/**
 * Hands the session's token to Bull Board's page, which sends it back as
 * `x-xsrf-token` with each change: so do axios's defaults, of which it is made.
 */
export function setBoardCookie(): MiddlewareHandler<ConsoleEnv> {
  return async (context, next) => {
    await next();
    const { role, csrf } = context.var.session;
    const isPage = context.res.headers.get('content-type')?.startsWith('text/html') === true;
    if (role === 'operator' && isPage) setCookie(context, 'XSRF-TOKEN', csrf, { path: '/queues', sameSite: 'Strict' });
  };
}
