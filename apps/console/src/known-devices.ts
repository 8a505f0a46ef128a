import { createHash } from 'node:crypto';

/** Browsers that have logged in, each by a token of its own; kept here is its hash. */
export interface KnownDevices {
  /** Its name where it is known; it says nothing of the token. */
  readonly find: (token: string | undefined) => string | null;
  /** Makes one known and returns its token. */
  readonly remember: () => string;
}

/** How long a browser is known after its last login. */
export const DEVICE_DAYS = 90;

/** Operators are a handful; whoever can log in a thousand times needs no guesses. */
const DEVICES_MAX = 1_000;

/**
 * In the memory of this process, as the sessions are: after a restart each
 * browser is a stranger until its next login, and strangers' failures are
 * forgotten too.
 */
export function createKnownDevices(options: {
  readonly now: () => Date;
  readonly newToken: () => string;
  readonly countMax?: number;
}): KnownDevices {
  const countMax = options.countMax ?? DEVICES_MAX;
  // In the order they became known, which is also the order they are forgotten in.
  const knownUntil = new Map<string, number>();
  return {
    find: (token) => {
      if (token === undefined) return null;
      const device = hashOf(token);
      return (knownUntil.get(device) ?? 0) > options.now().getTime() ? device : null;
    },
    remember: () => {
      const [oldest] = knownUntil.keys();
      if (oldest !== undefined && knownUntil.size >= countMax) knownUntil.delete(oldest);
      const token = options.newToken();
      knownUntil.set(hashOf(token), options.now().getTime() + DEVICE_DAYS * 86_400_000);
      return token;
    },
  };
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}
