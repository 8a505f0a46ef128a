import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePort } from '@penstock/local/ports';
import * as z from 'zod';
import { until } from '../harness/until.ts';

const root = path.join(import.meta.dirname, '../..');

/** Throws with what to install where there is no Prometheus. */
export function requirePrometheus(): void {
  for (const program of ['prometheus', 'promtool', 'amtool']) {
    try {
      execFileSync(program, ['--version'], { stdio: 'ignore' });
    } catch {
      throw new Error(
        `${program} is not installed: apt-get install prometheus prometheus-alertmanager (Debian, Ubuntu), brew install prometheus alertmanager`,
      );
    }
  }
}

export interface RunningPrometheus extends AsyncDisposable {
  readonly url: string;
  /** The series that an expression gives now; throws where Prometheus refuses it. */
  readonly query: (expr: string) => Promise<readonly unknown[]>;
  readonly exemplars: (expr: string) => Promise<readonly unknown[]>;
}

const answer = z.object({ status: z.string(), error: z.string().optional(), data: z.unknown().optional() });
const series = z.object({ result: z.array(z.unknown()) });

/** Starts a Prometheus that scrapes these addresses each second, with the rules of deploy/prometheus. */
export async function startPrometheus(targets: readonly string[]): Promise<RunningPrometheus> {
  const home = mkdtempSync(path.join(tmpdir(), 'penstock-prometheus-'));
  for (const file of ['rules.yml', 'alerts.yml'])
    writeFileSync(
      path.join(home, file),
      readFileSync(path.join(root, 'deploy/prometheus', file), 'utf8').replaceAll('interval: 30s', 'interval: 2s'),
    );
  writeFileSync(
    path.join(home, 'prometheus.yml'),
    `global: { scrape_interval: 1s, evaluation_interval: 2s }
rule_files: [rules.yml, alerts.yml]
scrape_configs:
  - job_name: penstock
    static_configs: [{ targets: ${JSON.stringify(targets)} }]
`,
  );
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(
    'prometheus',
    [
      `--config.file=${path.join(home, 'prometheus.yml')}`,
      `--storage.tsdb.path=${path.join(home, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--enable-feature=exemplar-storage',
      '--log.level=error',
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const exited = once(child, 'exit');
  const ask = async (question: string): Promise<unknown> => {
    const { status, error, data } = answer.parse(await (await fetch(`${url}/api/v1/${question}`)).json());
    if (status !== 'success') throw new Error(`Prometheus refused ${decodeURIComponent(question)}: ${error}`);
    return data;
  };
  await until(async () => (await fetch(`${url}/-/ready`).catch(() => undefined))?.ok === true, {
    what: 'Prometheus to be ready',
  });
  return {
    url,
    query: async (expr) => series.parse(await ask(`query?query=${encodeURIComponent(expr)}`)).result,
    exemplars: async (expr) => {
      const now = Date.now() / 1_000;
      const range = `start=${now - 600}&end=${now + 60}`;
      return z.array(z.unknown()).parse(await ask(`query_exemplars?query=${encodeURIComponent(expr)}&${range}`));
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM');
      await exited;
      rmSync(home, { recursive: true, force: true });
    },
  };
}
