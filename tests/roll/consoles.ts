import { client, testOperatorPassword, testPassword } from '@penstock/console/testing/run-console';
import { runScript } from '../harness/commands.ts';
import { startProcess, type TestProcess } from '../harness/process.ts';
import { steadily, type Load } from './load.ts';

/** A console in a process of its own, with somebody logged in. */
export interface TestConsole extends TestProcess {
  readonly origin: string;
  readonly healthOrigin: string;
  readonly cookie: string;
}

/** Starts one and waits until it is ready. */
export async function startConsole(
  environment: Readonly<Record<string, string>>,
  script = 'apps/console/src/main.ts',
): Promise<TestConsole> {
  const env = {
    ...environment,
    CONSOLE_PASSWORD: testPassword,
    CONSOLE_OPERATOR_PASSWORD: testOperatorPassword,
  };
  const started = await startProcess({ name: 'console', script, env });
  const line = await started.waitForLine(/"url":"(http:\/\/[^"]+)","healthUrl":"(http:\/\/[^"]+)".*"listening"/);
  const [origin = '', healthOrigin = ''] = line.slice(1).map((url) => new URL(url).origin);
  return { ...started, origin, healthOrigin, cookie: await client(origin).logIn() };
}

/** Makes a key of the read API by the command. */
export async function makeApiKey(environment: Readonly<Record<string, string>>): Promise<string> {
  const args = ['create', '--name', 'reader', '--scopes', 'events:read,payments:read'];
  return (await runScript('apps/console/src/commands/api-key.ts', args, environment)).stdout.trim();
}

/** Looks at the read API, a payment's page and the dead letters, at whichever console is the one in front. */
export function lookAtConsole(
  front: () => TestConsole,
  given: { readonly apiKey: string; readonly paymentId: string },
): Load {
  return steadily(100, async () => {
    const { origin, cookie } = front();
    const { ask } = client(origin);
    const answers = await Promise.all([
      ...['events', 'payments', `payments/${given.paymentId}`].map((path) =>
        ask(`/api/${path}`, { headers: { authorization: `Bearer ${given.apiKey}` } }),
      ),
      ...[`payments/${given.paymentId}`, 'dead'].map((path) =>
        ask(`/${path}`, { cookie, headers: { accept: 'text/html' } }),
      ),
    ]);
    for (const { url, status } of answers)
      if (status !== 200) throw new Error(`${new URL(url).pathname} was answered ${status}`);
  });
}
