import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Hono, type Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { ConsoleEvents, LoginOutcome } from './events.ts';
import { limitBody } from './limit-body.ts';
import { DEVICE_DAYS, type KnownDevices } from './known-devices.ts';
import type { Guesser, LoginLimiter } from './login-limiter.ts';
import { nextPath } from './next-path.ts';
import { loginPage } from './pages.ts';
import { cameOverHttps, DEVICE_COOKIE, idsOf, SESSION_COOKIE, wantsPage } from './request.ts';
import { refusalDetails, refuse, type ConsoleEnv, type Refusal } from './respond.ts';
import type { Role, Sessions } from './sessions.ts';

/** What logging in needs of the world. */
export interface LoginWorld {
  readonly sessions: Sessions;
  readonly limiter: LoginLimiter;
  readonly devices: KnownDevices;
  readonly roleOf: (candidate: string) => Role | null;
  readonly cookie: { readonly maxAgeSeconds: number; readonly alwaysSecure: boolean };
}

/** A person's name or a script's. */
const NAME_MAX = 100;

const styleSheet = readFileSync(path.join(import.meta.dirname, 'console.css'), 'utf8');

/** All that answers without a session: the login, its way out, and what the page looks like. */
export function loginRoutes(world: LoginWorld, events: ConsoleEvents): Hono<ConsoleEnv> {
  const routes = new Hono<ConsoleEnv>();

  routes.get('/console.css', (context) => context.body(styleSheet, 200, { 'content-type': 'text/css; charset=utf-8' }));
  routes.get('/login', (context) => context.html(loginPage({ next: nextPath(context.req.query('next')) })));

  routes.post('/login', limitBody(), async (context) => {
    const form = new URLSearchParams(await context.req.text());
    const next = nextPath(form.get('next') ?? undefined);
    const { address } = context.var;
    const tell = (outcome: LoginOutcome): void => events.loginAttempted({ outcome, address, ...idsOf(context) });

    // From here to recordFailure nothing is awaited: no two guesses share one allowance.
    const device = world.devices.find(getCookie(context, DEVICE_COOKIE));
    const guesser: Guesser = device === null ? { kind: 'stranger', address } : { kind: 'known', device };
    const waitMs = world.limiter.waitMs(guesser);
    if (waitMs !== null) {
      tell('limited');
      return refuseLogin(context, { refusal: { kind: 'login_limited', waitMs }, next });
    }
    const role = world.roleOf(form.get('password') ?? '');
    if (role === null) {
      world.limiter.recordFailure(guesser);
      tell('refused');
      return refuseLogin(context, { refusal: { kind: 'password_wrong' }, next });
    }
    const name = (form.get('name') ?? '').trim();
    if (name.length > NAME_MAX || (role === 'operator' && name === ''))
      return refuseLogin(context, { refusal: { kind: 'name_missing' }, next });
    tell('granted');
    // A session that this browser had is over: nobody who knew its token is logged in with this one.
    const former = getCookie(context, SESSION_COOKIE);
    if (former !== undefined) world.sessions.close(former);
    setCookie(context, SESSION_COOKIE, world.sessions.open({ name: name === '' ? 'reader' : name, role }), {
      ...cookieFlags(context, world),
      maxAge: world.cookie.maxAgeSeconds,
    });
    if (device === null)
      setCookie(context, DEVICE_COOKIE, world.devices.remember(), {
        ...cookieFlags(context, world),
        path: '/login',
        maxAge: DEVICE_DAYS * 86_400,
      });
    return context.redirect(next, 303);
  });

  // Anybody may leave: closing needs the token, and a form of another site has been refused before.
  routes.post('/logout', (context) => {
    const token = getCookie(context, SESSION_COOKIE);
    if (token !== undefined) world.sessions.close(token);
    deleteCookie(context, SESSION_COOKIE, cookieFlags(context, world));
    return context.redirect('/login', 303);
  });
  return routes;
}

function refuseLogin(
  context: Context<ConsoleEnv>,
  { refusal, next }: { readonly refusal: Refusal; readonly next: string },
): Response | Promise<Response> {
  if (!wantsPage(context.req.header('accept'))) return refuse(context, refusal);
  const { status, title, detail, headers } = refusalDetails(refusal);
  return context.html(
    loginPage({ next, problem: detail === undefined ? `${title}.` : `${title}. ${detail}` }),
    status,
    headers,
  );
}

function cookieFlags(context: Context<ConsoleEnv>, world: LoginWorld) {
  const secure =
    world.cookie.alwaysSecure ||
    cameOverHttps({ url: context.req.url, forwardedProto: context.req.header('x-forwarded-proto') });
  return { path: '/', httpOnly: true, sameSite: 'Strict', secure } as const;
}
