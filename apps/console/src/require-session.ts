import type { MiddlewareHandler } from 'hono';
import { getCookie } from 'hono/cookie';
import { loginLocation, SESSION_COOKIE, wantsPage } from './request.ts';
import { refuse, type ConsoleEnv } from './respond.ts';
import type { Sessions } from './sessions.ts';

/** Lets those through who are logged in. People are sent to the login and back, scripts are told. */
export function requireSession(sessions: Sessions): MiddlewareHandler<ConsoleEnv> {
  return async (context, next) => {
    const token = getCookie(context, SESSION_COOKIE);
    const session = token === undefined ? undefined : sessions.find(token);
    if (session !== undefined) {
      context.set('session', session);
      return next();
    }
    if (context.req.method !== 'GET' || !wantsPage(context.req.header('accept')))
      return refuse(context, { kind: 'login_required' });
    return context.redirect(loginLocation(context.req.url), 303);
  };
}
