import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const root = path.join(import.meta.dirname, '..');

/** As TypeScript or SQL has it: numbers of our own in PostgreSQL's space of advisory locks. */
const NUMBER = /\b7_?365_?7\d\d\b/g;

/** The table in docs/ARCHITECTURE.md: where each number may stand. */
const documented = new Map(
  [
    ...readFileSync(path.join(root, 'docs/ARCHITECTURE.md'), 'utf8').matchAll(/^\| (7365\d+) +\| .* \| (`.*`) +\|$/gm),
  ].map(([, number = '', files = '']) => [number, [...files.matchAll(/`([^`]+)`/g)].map(([, file]) => file)]),
);

test('no number of an advisory lock means two things: each stands where the documented one thing is done, and nowhere else', () => {
  const found = new Map<string, string[]>();
  for (const file of sources())
    for (const number of new Set(textOf(file).match(NUMBER) ?? [])) {
      const digits = number.replaceAll('_', '');
      found.set(digits, [...(found.get(digits) ?? []), file]);
    }
  expect(found.size).toBeGreaterThan(0);
  expect(Object.fromEntries([...found].toSorted())).toEqual(Object.fromEntries(documented));
});

test('an advisory lock is taken by a number of the table, or by a hash', () => {
  const others = sources().flatMap((file) =>
    [...textOf(file).matchAll(/pg_(?:try_)?advisory_(?:xact_)?lock(?:_shared)?\(\s*([^\s)]+)/g)]
      .map(([, key = '']) => key)
      .filter((key) => /^\d/.test(key) && !documented.has(key))
      .map((key) => `${file}: ${key}`),
  );
  expect(others).toEqual([]);
});

/** Migrations and all that may ask the ledger; not the golden schema, which repeats the migrations. */
function sources(): readonly string[] {
  return globSync(['migrations/0*.sql', 'packages/*/src/**/*.ts', 'apps/*/src/**/*.ts'], { cwd: root })
    .map((file) => file.replaceAll(path.sep, '/'))
    .toSorted();
}

function textOf(file: string): string {
  return readFileSync(path.join(root, file), 'utf8');
}
