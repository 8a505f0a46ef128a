import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** Makes a directory that another user may pass through, and that goes when it is disposed of. */
export async function temporaryDirectory(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'penstock-local-'));
  await chmod(path, 0o711);
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

/** Starts a server from a process of its own and kills that process with its whole group: the server stays behind. */
export async function startThenCrash(
  functionName: string,
  module: string,
  options: Readonly<Record<string, string>>,
): Promise<{ pid: number; url: string }> {
  const script = `
    const { ${functionName}: start } = await import(${JSON.stringify(new URL(module, import.meta.url).href)})
    const server = await start(${JSON.stringify(options)})
    console.log(server.pid, server.url)
    setInterval(() => {}, 1000)`;
  const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: owner.stdout })[Symbol.asyncIterator]();
  const line = await lines.next();
  if (line.done === true) throw new Error('The owner ended before its server was ready.');
  if (owner.pid !== undefined) process.kill(-owner.pid, 'SIGKILL');
  await once(owner, 'exit');
  const [pid = '', url = ''] = line.value.split(' ');
  return { pid: Number(pid), url };
}
