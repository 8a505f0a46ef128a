import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { startChild, type Child } from './child.ts';

/** What tells a process of ours where it finds queue and ledger, and what else it is to know. */
type Environment = Readonly<Record<string, string>>;

const benchConfig = { PENSTOCK_CONFIG: 'bench/src/bench.config.ts', HEALTH_PORT: '0' };

/** An ingest of the bench, once it listens, and its port. It ends with the stack. */
export async function startIngest(
  stack: AsyncDisposableStack,
  env: Environment,
): Promise<{ readonly ingest: Child; readonly port: number }> {
  const ingest = stack.use(
    startChild({
      script: 'apps/ingest/src/main.ts',
      env: { ...benchConfig, PORT: '0', ENQUEUE_MS: '5000', ...env },
    }),
  );
  const listening = z.object({ url: z.url(), healthUrl: z.url() });
  const { url } = await ingest.line((document) => listening.safeParse(document).data);
  return { ingest, port: Number(new URL(url).port) };
}

/** A worker of the bench, once it takes webhooks. It ends with the stack. */
export async function startWorker(stack: AsyncDisposableStack, env: Environment): Promise<Child> {
  const worker = stack.use(
    startChild({ script: 'apps/worker/src/main.ts', env: { ...benchConfig, FORWARD_CONCURRENCY: '0', ...env } }),
  );
  const ready = z.object({ msg: z.literal('taking webhooks') });
  await worker.line((document) => ready.safeParse(document).data);
  return worker;
}

/** Resident memory by Linux's account (proc_pid_status(5)); null elsewhere. */
export function residentMiB({ pid }: Pick<Child, 'pid'>): number | null {
  try {
    const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kibibytes === undefined ? null : Math.round(Number(kibibytes) / 1024);
  } catch {
    return null;
  }
}
