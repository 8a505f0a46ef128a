import { findApiKey, recordApiKeyUse, type ApiKey } from '@penstock/db/api-keys';
import type { LedgerDatabase } from '@penstock/db/database';
import type { Context, MiddlewareHandler } from 'hono';
import { getCookie } from 'hono/cookie';
import type { ConsoleEvents } from '../events.ts';
import type { Guesser, LoginLimiter } from '../login-limiter.ts';
import { idsOf, loginLocation, SESSION_COOKIE, wantsPage, type RequestIds } from '../request.ts';
import { refuse, type ConsoleEnv } from '../respond.ts';
import type { Sessions } from '../sessions.ts';
import { isSecretOf, readApiKey, scopes, type Scope } from './api-key.ts';

/** A key in use is written down once in so long: that it is used is what matters. */
const USE_WRITTEN_EVERY_MS = 60_000;

/** Keys that were right are looked up even from an address that sends wrong ones; more keys than these nobody has. */
const PROVEN_KEYS_MAX = 1_000;

export interface AuthenticationWorld {
  /** The primary: a key that was revoked there is refused at once, whatever a replica still says. */
  readonly db: LedgerDatabase;
  readonly sessions: Sessions;
  readonly keyLimiter: LoginLimiter;
  readonly now: () => Date;
}

/**
 * Lets those through who hold a key, and operators who are logged in, who may
 * read everything. Each request looks its key up; nothing is cached, so that
 * revoking one holds from that moment.
 */
export function authenticate(world: AuthenticationWorld, events: ConsoleEvents): MiddlewareHandler<ConsoleEnv> {
  const proven = new Set<string>();
  return async (context, next) => {
    const token = /^Bearer +(?<token>\S+) *$/i.exec(context.req.header('authorization') ?? '')?.groups?.['token'];
    if (token === undefined) return withoutKey(context, { sessions: world.sessions, next });

    const { address } = context.var;
    const sent = readApiKey(token);
    const guesser: Guesser = { kind: 'stranger', address };
    const waitMs = world.keyLimiter.waitMs(guesser);
    if (waitMs !== null && (sent === null || !proven.has(sent.id))) {
      events.apiKeyJudged({ outcome: 'limited', address, ...idsOf(context) });
      return refuse(context, { kind: 'key_limited', waitMs });
    }

    const key = sent === null ? undefined : await findApiKey(world.db, sent.id);
    const now = world.now();
    if (sent === null || key === undefined || !isSecretOf(sent.secret, key.secretSha256)) {
      world.keyLimiter.recordFailure(guesser);
      events.apiKeyJudged({ outcome: 'unknown', address, ...idsOf(context) });
      return refuse(context, { kind: 'key_unknown' });
    }
    const refusal = endOf(key, now);
    if (refusal !== null) {
      events.apiKeyJudged({ outcome: refusal, keyId: key.id, address, ...idsOf(context) });
      return refuse(context, { kind: `key_${refusal}` });
    }
    if (proven.size < PROVEN_KEYS_MAX) proven.add(key.id);
    events.apiKeyJudged({ outcome: 'accepted', keyId: key.id, address, ...idsOf(context) });
    await writeUse(world, events, { key, now, ids: idsOf(context) });
    context.set('scopes', new Set(scopes.filter((scope) => key.scopes.includes(scope))));
    return next();
  };
}

/** Lets those through who may read this. */
export function requireScope(scope: Scope): MiddlewareHandler<ConsoleEnv> {
  return async (context, next) => {
    if (context.var.scopes?.has(scope) !== true) return refuse(context, { kind: 'scope_missing', scope });
    return next();
  };
}

/** A browser whose operator is logged in may look; one whose operator is not is sent to the login and back. */
async function withoutKey(
  context: Context<ConsoleEnv>,
  { sessions, next }: { readonly sessions: Sessions; readonly next: () => Promise<void> },
): Promise<Response | undefined> {
  const session = getCookie(context, SESSION_COOKIE);
  if (session !== undefined && sessions.find(session) !== undefined) {
    context.set('scopes', new Set(scopes));
    await next();
    return undefined;
  }
  if (context.req.method === 'GET' && wantsPage(context.req.header('accept')))
    return context.redirect(loginLocation(context.req.url), 303);
  return refuse(context, { kind: 'key_required' });
}

function endOf(key: ApiKey, now: Date): 'revoked' | 'expired' | null {
  if (key.revokedAt !== null) return 'revoked';
  return key.expiresAt !== null && key.expiresAt <= now ? 'expired' : null;
}

/** That a use could not be written is no reason to refuse a read. */
async function writeUse(
  world: AuthenticationWorld,
  events: ConsoleEvents,
  { key, now, ids }: { readonly key: ApiKey; readonly now: Date; readonly ids: RequestIds },
): Promise<void> {
  const unlessSince = new Date(now.getTime() - USE_WRITTEN_EVERY_MS);
  if (key.lastUsedAt !== null && key.lastUsedAt >= unlessSince) return;
  await recordApiKeyUse(world.db, { id: key.id, at: now, unlessSince }).catch((error: unknown) =>
    events.apiKeyUseUnwritten({ ...ids, error }),
  );
}
