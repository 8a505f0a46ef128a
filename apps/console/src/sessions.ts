import { createHash } from 'node:crypto';

/** Who is logged in. A token is known to its browser alone; kept here is its hash. */
export interface Sessions {
  /** Opens a session and returns its token. */
  readonly open: () => string;
  readonly isOpen: (token: string) => boolean;
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
  readonly lifetimeMs: number;
  readonly countMax?: number;
}): Sessions {
  const countMax = options.countMax ?? SESSIONS_MAX;
  // In the order they were opened, which is also the order they expire in.
  const expiries = new Map<string, number>();

  const dropExpired = (): void => {
    const now = options.now().getTime();
    for (const [hash, expiresAt] of expiries) {
      if (expiresAt > now) return;
      expiries.delete(hash);
    }
  };

  return {
    open: () => {
      dropExpired();
      const [oldest] = expiries.keys();
      if (oldest !== undefined && expiries.size >= countMax) expiries.delete(oldest);
      const token = options.newToken();
      expiries.set(hashOf(token), options.now().getTime() + options.lifetimeMs);
      return token;
    },
    isOpen: (token) => (expiries.get(hashOf(token)) ?? 0) > options.now().getTime(),
    close: (token) => void expiries.delete(hashOf(token)),
  };
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
