import { randomBytes, randomUUID } from 'node:crypto';
import type { Environment } from '@penstock/runtime/env';
import { operatorsConsole } from '../console.ts';

/** A console of a test's own, on free ports of this machine. */
export interface RunningConsole extends AsyncDisposable {
  readonly origin: string;
  readonly healthOrigin: string;
  /** One request, redirects not followed; a session's cookie where one is given. */
  readonly ask: (path: string, options?: Ask) => Promise<Response>;
  /** Sends the password as the login page does. */
  readonly sendPassword: (
    password: string,
    options?: {
      readonly next?: string;
      readonly name?: string;
      readonly headers?: Readonly<Record<string, string>>;
    },
  ) => Promise<Response>;
  /** Logs in and returns the cookie to send along. */
  readonly logIn: (password?: string) => Promise<string>;
}

interface Ask {
  readonly method?: string;
  readonly cookie?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | URLSearchParams;
}

export const testPassword = 'correct horse battery staple';
export const testOperatorPassword = 'tr0ub4dor & three more words';

/** Runs the console inside the test, with a clock that the test may move. */
export async function runConsole(given: {
  readonly environment: Environment;
  readonly now?: () => Date;
}): Promise<RunningConsole> {
  const resources = new AsyncDisposableStack();
  const stop = new AbortController();
  const listening = Promise.withResolvers<{ readonly url: string; readonly healthUrl: string }>();
  try {
    await operatorsConsole(
      {
        environment: {
          CONSOLE_PASSWORD: testPassword,
          CONSOLE_OPERATOR_PASSWORD: testOperatorPassword,
          PORT: '0',
          HEALTH_PORT: '0',
          LOG_LEVEL: 'silent',
          ...given.environment,
        },
        now: given.now ?? (() => new Date()),
        newId: randomUUID,
        newToken: () => randomBytes(32).toString('base64url'),
        onListening: listening.resolve,
      },
      { resources, stopping: stop.signal, stop: () => stop.abort(), setShutdownMs: () => undefined },
    );
  } catch (error) {
    await resources.disposeAsync();
    throw error;
  }
  const { url, healthUrl } = await listening.promise;
  const { origin } = new URL(url);
  return {
    ...client(origin),
    origin,
    healthOrigin: healthUrl,
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await resources.disposeAsync();
    },
  };
}

/** The part of an operator, for a console that runs anywhere. */
export function client(origin: string): Pick<RunningConsole, 'ask' | 'sendPassword' | 'logIn'> {
  const ask: RunningConsole['ask'] = (path, { method = 'GET', cookie, headers = {}, body } = {}) =>
    fetch(`${origin}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        accept: 'application/json',
        ...(method === 'GET' ? {} : { origin }),
        ...(cookie === undefined ? {} : { cookie }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
  const sendPassword: RunningConsole['sendPassword'] = (password, { next = '/', name = 'ada', headers = {} } = {}) =>
    ask('/login', { method: 'POST', headers, body: new URLSearchParams({ name, password, next }) });
  return {
    ask,
    sendPassword,
    logIn: async (password = testPassword) => {
      const answer = await sendPassword(password);
      const [cookie] = answer.headers.getSetCookie();
      if (cookie === undefined) throw new Error(`the login answered ${answer.status} and no cookie`);
      return cookie.split(';')[0] ?? '';
    },
  };
}
