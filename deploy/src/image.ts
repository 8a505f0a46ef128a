import { execFile, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { once } from 'node:events';
import path from 'node:path';
import { promisify } from 'node:util';
import { repository, type Stage } from './dockerfile.ts';

/** A directory that holds what an image's root would. */
export interface ImageRoot extends AsyncDisposable {
  readonly folder: string;
  /** All of its files, in MiB. */
  readonly sizeMb: number;
}

/** A process that runs in such a root. */
export interface ContainedProcess extends AsyncDisposable {
  readonly pid: number;
  /** Code or signal; resolves once it has ended. */
  readonly ended: Promise<number | NodeJS.Signals>;
  readonly hasEnded: () => boolean;
  readonly output: () => string;
  readonly kill: (signal: NodeJS.Signals) => void;
}

const run = promisify(execFile);

/** Does what deploy/Dockerfile does to make the root of an app's image, in a temporary directory below `parent`. */
export async function assembleRoot(app: string, parent: string): Promise<ImageRoot> {
  const own = await mkdtemp(path.join(parent, `${app}-`));
  await chmod(own, 0o755);
  const folder = path.join(own, 'root');
  // The script asks `node` where it is: it must be the one that runs this, not another of PATH.
  const PATH = `${path.dirname(process.execPath)}${path.delimiter}${process.env['PATH'] ?? ''}`;
  await run('sh', ['deploy/assemble.sh', app, folder], { cwd: repository, env: { ...process.env, PATH } });
  const { stdout } = await run('du', ['-sb', folder]);
  return {
    folder,
    sizeMb: Math.ceil(Number.parseInt(stdout, 10) / 1024 ** 2),
    [Symbol.asyncDispose]: () => rm(own, { recursive: true, force: true }),
  };
}

// What an engine does to start a container, with the host's network: the root
// mounted read-only, the kernel's own file systems and the resolver's files
// mounted into it, then nobody's user in the image's working directory.
const contain = `
set -eu
root=$1 workdir=$2 user=$3
shift 3
mount --bind "$root" "$root"
mount -o remount,ro,bind "$root"
for here in /proc /dev; do mount --rbind "$here" "$root$here"; done
for file in /etc/hosts /etc/resolv.conf; do mount --bind "$file" "$root$file"; done
exec unshare --root="$root" --wd="$workdir" --setgid="$user" --setuid="$user" -- "$@"
`;

/** Starts a command in a root, as the image's stage says: its user, its directory, its environment and nothing else. */
export async function startContained(given: {
  readonly root: ImageRoot;
  readonly stage: Stage;
  readonly command: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}): Promise<ContainedProcess> {
  const { root, stage, command, environment = {} } = given;
  const user = (stage.user ?? '0').split(':')[0] ?? '0';
  const [program = '', ...args] = command;
  const inside = [`/usr/local/bin/${program}`, ...args];
  const child = spawn(
    'unshare',
    [
      '--mount',
      '--propagation',
      'private',
      'sh',
      '-c',
      contain,
      'contain',
      root.folder,
      stage.workdir,
      user,
      ...inside,
    ],
    { env: { ...stage.env, PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', ...environment }, cwd: '/' },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | NodeJS.Signals>((resolve) =>
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'SIGKILL')),
  );
  await once(child, 'spawn');
  return {
    pid: child.pid ?? 0,
    ended,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    output: () => output,
    kill: (signal) => void child.kill(signal),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Runs a command in a root to its end. */
export async function runContained(given: Parameters<typeof startContained>[0]) {
  await using contained = await startContained(given);
  const code = await contained.ended;
  return { code, output: contained.output() };
}
