import { createHash } from 'node:crypto';

/** What somebody may do: look, or also retry, replay and discard. */
export type Role = 'reader' | 'operator';

/** Who is logged in. */
export interface Session {
  /** As they named themselves; stands in the audit. */
  readonly name: string;
  readonly role: Role;
  /** Sent with every change, and known to this session's own pages alone. */
  readonly csrf: string;
}

/** Who is logged in, by a token that is known to their browser alone; kept here is its hash. */
export interface Sessions {
  /** Opens a session and returns its token. */
  readonly open: (who: Pick<Session, 'name' | 'role'>) => string;
  readonly find: (token: string) => Session | undefined;
  readonly close: (token: string) => void;
}

/** Operators are a handful; a thousand logins within one lifetime is a script, and its oldest go first. */
const SESSIONS_MAX = 1_000;

/**
 * Sessions in the memory of this process: revoked by logging out, all of them
 * by a restart. Several consoles behind a balancer therefore need sticky
 * sessions there.
 */
export function createSessions(options: {
  readonly now: () => Date;
  readonly newToken: () => string;
  /** However much it is used. */
  readonly lifetimeMs: number;
  /** Without a request. */
  readonly idleMs: number;
  readonly countMax?: number;
}): Sessions {
  const countMax = options.countMax ?? SESSIONS_MAX;
  // In the order they were opened, which is also the order they expire in.
  const sessions = new Map<string, { readonly session: Session; readonly expiresAt: number; idleAt: number }>();

  const dropExpired = (): void => {
    const now = options.now().getTime();
    for (const [hash, { expiresAt }] of sessions) {
      if (expiresAt > now) return;
      sessions.delete(hash);
    }
  };

  return {
    open: (who) => {
      dropExpired();
      const [oldest] = sessions.keys();
      if (oldest !== undefined && sessions.size >= countMax) sessions.delete(oldest);
      const token = options.newToken();
      const session = { name: who.name, role: who.role, csrf: options.newToken() };
      const now = options.now().getTime();
      sessions.set(hashOf(token), { session, expiresAt: now + options.lifetimeMs, idleAt: now + options.idleMs });
      return token;
    },
    find: (token) => {
      const found = sessions.get(hashOf(token));
      const now = options.now().getTime();
      if (found === undefined || Math.min(found.expiresAt, found.idleAt) <= now) return undefined;
      found.idleAt = now + options.idleMs;
      return found.session;
    },
    close: (token) => void sessions.delete(hashOf(token)),
  };
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
