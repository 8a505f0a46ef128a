import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { findProgram } from './find-program.ts';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'penstock-find-'));
  vi.stubEnv('PATH', ['', join(dir, 'one'), join(dir, 'two')].join(delimiter));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(dir, { recursive: true });
});

function put(folder: string, name: string, mode = 0o755): string {
  mkdirSync(join(dir, folder), { recursive: true });
  const file = join(dir, folder, name);
  writeFileSync(file, '', { mode });
  return file;
}

test('a program is found by its first name in any folder of PATH, then by the next', () => {
  const second = put('one', 'second');
  expect(findProgram(['first', 'second'])).toBe(second);
  const first = put('two', 'first');
  expect(findProgram(['first', 'second'])).toBe(first);
});

test('what cannot be executed is not found, and a folder besides comes after PATH', () => {
  put('one', 'server', 0o644);
  expect(findProgram(['server'])).toBeNull();
  const beside = put('three', 'server');
  expect(findProgram(['server'], [join(dir, 'three')])).toBe(beside);
  const onPath = put('two', 'server');
  expect(findProgram(['server'], [join(dir, 'three')])).toBe(onPath);
});
