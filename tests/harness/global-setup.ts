import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestProject } from 'vitest/node';
import type { TestServices } from '@penstock/local/test-services';

/**
 * Starts the services of the test run, once, in a process of their own, and
 * returns what ends them. That process ends them itself when this one dies,
 * however it dies: it notices that its standard input has been closed.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const runDir = mkdtempSync(join(tmpdir(), 'penstock-tests-'));
  // As root, PostgreSQL runs as another user, who has to pass through.
  chmodSync(runDir, 0o711);
  const host = spawn(process.execPath, [join(import.meta.dirname, 'services-host.ts'), runDir], {
    // A session of its own: the Ctrl-C that ends the tests must not end their services first.
    detached: true,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const exited = new Promise<number | null>((resolve) => host.once('exit', resolve));
  const urls = await new Promise<Urls>((resolve, reject) => {
    createInterface({ input: host.stdout }).once('line', (line) => resolve(parseUrls(line)));
    void exited.then((code) => reject(new Error(`The services of the tests did not start (exit code ${code}).`)));
  });
  project.provide('postgresUrl', urls.postgresUrl);
  project.provide('redisUrl', urls.redisUrl);
  project.provide('runDir', runDir);
  return async () => {
    host.stdin.end();
    const code = await exited;
    if (code !== 0) throw new Error(`The test run left something behind, see above (exit code ${code}).`);
  };
}

type Urls = Pick<TestServices, 'postgresUrl' | 'redisUrl'>;

function parseUrls(line: string): Urls {
  const parsed: unknown = JSON.parse(line);
  if (typeof parsed === 'object' && parsed !== null && 'postgresUrl' in parsed && 'redisUrl' in parsed) {
    return { postgresUrl: String(parsed.postgresUrl), redisUrl: String(parsed.redisUrl) };
  }
  throw new Error(`The services of the tests answered something else: ${line}`);
}
