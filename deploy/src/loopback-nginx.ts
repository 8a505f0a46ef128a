import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { LocalServer } from '@penstock/local/local-service';
import { deployFile, startServer } from './topology.ts';

/** nginx at work. */
export interface LoopbackNginx extends LocalServer {
  /** Has these files in allow/ and no others, and start.sh reload; throws where it refuses. */
  readonly allow: (files: Readonly<Record<string, string>>) => void;
}

/** deploy/nginx with addresses of loopback, by its start.sh; everything it reads and writes is in `folder`. */
export async function startNginx(given: {
  readonly folder: string;
  readonly secrets: string;
  readonly publicPort: number;
  readonly consolePort: number;
  readonly ingests: readonly [number, number];
  readonly console: number;
}): Promise<LoopbackNginx> {
  const { folder, secrets, publicPort, consolePort, ingests } = given;
  const own = path.join(folder, 'nginx');
  const allowed = path.join(own, 'allow');
  mkdirSync(allowed, { recursive: true });
  const local = (text: string) =>
    text.replaceAll(/(?<=[ =])\/tmp\//g, `${own}/`).replaceAll('/etc/nginx/penstock', own);
  const file = path.join(own, 'nginx.conf');
  const script = path.join(own, 'start.sh');
  writeFileSync(script, local(deployFile('nginx/start.sh')));
  writeFileSync(
    file,
    local(deployFile('nginx/nginx.conf'))
      .replace('listen 8443 ', `listen 127.0.0.1:${publicPort} `)
      .replace('listen 8444 ', `listen 127.0.0.1:${consolePort} `)
      .replace('172.28.7.11:8080', `127.0.0.1:${ingests[0]}`)
      .replace('172.28.7.12:8080', `127.0.0.1:${ingests[1]}`)
      .replace('172.28.7.30:8081', `127.0.0.1:${given.console}`)
      .replaceAll('/run/secrets', secrets),
  );
  const env = { PATH: `${process.env['PATH']}:/usr/sbin` };
  const server = await startServer({
    folder,
    name: 'nginx-server',
    command: 'sh',
    args: [script, '-g', 'daemon off;', '-c', file],
    port: publicPort,
    env,
    probe: async () => void (await fetch(`http://127.0.0.1:${publicPort}/`)),
  });
  return {
    ...server,
    allow: (files) => {
      rmSync(allowed, { recursive: true });
      mkdirSync(allowed);
      for (const [name, text] of Object.entries(files)) writeFileSync(path.join(allowed, name), text);
      execFileSync('sh', [script, '-s', 'reload', '-c', file], { env, stdio: 'pipe' });
    },
  };
}
