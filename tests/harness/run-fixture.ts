import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Exit } from './process.ts';

/** A test run of its own, on tests that exist for it alone. */
export interface FixtureRun extends AsyncDisposable {
  readonly exited: Promise<Exit>;
  stdout(): string;
  stderr(): string;
  /** Signals the run and everything in its group, as a Ctrl-C in the terminal does. */
  kill(signal: NodeJS.Signals): void;
}

const root = resolve(import.meta.dirname, '../..');

/** Runs tests, given as the source of each file, with this repository's closing line and the global set-up given. */
export async function runFixture(options: {
  tests: readonly string[];
  /** Source of a module. */
  globalSetup?: string;
}): Promise<FixtureRun> {
  const { tests, globalSetup = 'export const setup = () => {}' } = options;
  const dir = await mkdtemp(join(tmpdir(), 'penstock-fixture-'));
  await mkdir(join(dir, 'src'));
  await symlink(join(root, 'node_modules'), join(dir, 'node_modules'));
  await writeFile(join(dir, 'global-setup.ts'), globalSetup);
  await writeFile(
    join(dir, 'vitest.config.ts'),
    `import { ClosingLine } from ${JSON.stringify(join(root, 'tests/harness/closing-line.ts'))}
     export default { test: { reporters: ['default', new ClosingLine()], globalSetup: './global-setup.ts' } }`,
  );
  for (const [index, source] of tests.entries()) {
    const head = "import { afterAll, inject, test } from 'vitest'\n";
    await writeFile(join(dir, 'src', `${index}.test.ts`), head + source);
  }
  const { PATH = '', HOME = '' } = process.env;
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const child = spawn(process.execPath, [vitest, 'run', '--root', dir], {
    cwd: dir,
    env: { PATH, HOME },
    detached: true,
  });
  const exited = new Promise<Exit>((done) => child.once('close', (code, signal) => done({ code, signal })));
  const kill = (signal: NodeJS.Signals): void => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, signal);
  };
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  return {
    exited,
    stdout: () => stdout,
    stderr: () => stderr,
    kill,
    [Symbol.asyncDispose]: async () => {
      kill('SIGKILL');
      await exited;
      await rm(dir, { recursive: true });
    },
  };
}
