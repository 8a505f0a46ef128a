import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

const root = path.join(import.meta.dirname, '..');

/** Who may import whom, and what a package must never see (docs/ARCHITECTURE.md). Tests may import anything. */
const rules: Readonly<Record<string, { readonly ours: readonly string[]; readonly never: readonly RegExp[] }>> = {
  'packages/core': {
    ours: [],
    never: [
      /^node:(fs|net|http|https|tls|dns|child_process|timers|os|process)/,
      /^(pg|ioredis|bullmq|kysely|hono|pino)\b/,
    ],
  },
  'packages/runtime': { ours: ['core'], never: [/^kysely\b/, /^hono\b/, /^@hono\b/] },
  'packages/db': { ours: ['core'], never: [/^bullmq\b/, /^ioredis\b/, /^hono\b/] },
  'packages/local': { ours: [], never: [/^hono\b/, /^bullmq\b/, /^kysely\b/] },
  'apps/ingest': { ours: ['core', 'runtime'], never: [/^pg\b/, /^kysely\b/, /^bullmq\b/] },
  'apps/worker': { ours: ['core', 'db', 'runtime'], never: [/^hono\b/, /^@hono\b/] },
  'apps/console': { ours: ['core', 'db', 'runtime'], never: [/^pg\b/] },
  'apps/start': { ours: ['core', 'db', 'local', 'runtime'], never: [/^hono\b/] },
};

const product = Object.keys(rules).flatMap((folder) =>
  sourcesIn(folder).map((file) => ({ folder, file, text: read(file) })),
);
const everything = [
  ...product.map(({ file }) => file),
  ...sourcesIn('tests', { tests: true }),
  ...Object.keys(rules).flatMap((folder) => sourcesIn(folder, { tests: true })),
];

describe('the structure', () => {
  test('a package imports only what the table of who may import whom allows', () => {
    const breaches = product.flatMap(({ folder, file, text }) =>
      importsOf(text)
        .filter((name) => !isAllowed(name, folder))
        .map((name) => `${file} imports ${name}`),
    );
    expect(breaches).toEqual([]);
  });

  test('the core reads no clock, no randomness and no environment', () => {
    const breaches = product
      .filter(({ folder }) => folder === 'packages/core')
      .filter(({ text }) =>
        /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\brandom(UUID|Bytes)\(|\bprocess\.(env|argv|cwd)|\bsetTimeout\(|\bfetch\(/.test(
          text,
        ),
      )
      .map(({ file }) => file);
    expect(breaches).toEqual([]);
  });

  test('money is folded from facts and never added to: no amount is changed by += or by SQL that adds to it', () => {
    const added =
      /\b[\w.]*(amount|captured|refunded|total)\w*\s*\+=|\b(?<column>\w*(amount|captured|refunded|total)\w*)\s*=\s*(\w+\.)*\k<column>\s*\+/i;
    const counts = (file: string): boolean => /^packages\/core\/src\/(fold-|payment|fact-order)/.test(file);
    const sources = [
      ...product,
      ...globSync('migrations/*.sql', { cwd: root }).map((file) => ({ file, text: read(file) })),
    ];
    expect(sources.filter(({ file }) => counts(file)).length).toBeGreaterThan(5);
    const breaches = sources
      .filter(({ file, text }) => added.test(text) || (counts(file) && text.includes('+=')))
      .map(({ file }) => file);
    expect(breaches).toEqual([]);
    for (const wrong of ['row.amountCaptured += 5', 'set amount_refunded = payments.amount_refunded + 5'])
      expect(added.test(wrong)).toBe(true);
  });

  test('no source file is longer than 300 lines', () => {
    expect(everything.filter((file) => read(file).split('\n').length > 301)).toEqual([]);
  });

  test('nothing is skipped, focused or left for later', () => {
    // One looks for these words, the other's fixtures are made of them.
    const quoting = new Set(['tests/tidy.test.ts', 'tests/harness/closing-line.test.ts']);
    const marks = /\b(test|it|describe)\.(skip|only|todo)\b|\bTODO\b|\bFIXME\b/;
    expect(everything.filter((file) => !quoting.has(file) && marks.test(read(file)))).toEqual([]);
  });

  test('every stable error code is explained in docs/ERRORS.md', () => {
    const explained = read('docs/ERRORS.md');
    const codes = new Set(
      product.flatMap(({ text }) =>
        [
          ...text.matchAll(
            /(?:new (?:Transient|Permanent|ServiceAway|Replay)Error\(\s*|\bcode[:=] |rejected\(\s*)'(?<code>[a-z]+_[a-z_]+)'/g,
          ),
        ].map((match) => match.groups?.['code'] ?? ''),
      ),
    );
    expect(codes.size).toBeGreaterThan(20);
    expect([...codes].filter((code) => !explained.includes(`\`${code}\``))).toEqual([]);
  });

  test('the README shows the example that runs', () => {
    const example = read('examples/credits/keep-credits.ts');
    expect(read('README.md')).toContain(example.slice(example.indexOf('/** Credits are granted')));
  });

  test('every setting is explained in README.md', () => {
    const readme = read('README.md');
    const names = product
      .filter(({ file }) => /settings\.ts$|config\.ts$/.test(file))
      .flatMap(({ text }) =>
        [...text.matchAll(/\(\{\s*name: '(?<name>[A-Z][A-Z0-9_]+)'/g)].map((match) => match.groups?.['name'] ?? ''),
      );
    expect(names.length).toBeGreaterThan(20);
    expect([...new Set(names)].filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
  });
});

function sourcesIn(folder: string, options: { readonly tests: boolean } = { tests: false }): readonly string[] {
  const files = globSync(folder === 'tests' ? 'tests/**/*.ts' : `${folder}/src/**/*.ts`, {
    cwd: root,
    exclude: (name) => name === 'node_modules',
  });
  return files.map((file) => file.replaceAll(path.sep, '/')).filter((file) => isTest(file) === options.tests);
}

function isTest(file: string): boolean {
  return /\.test\.ts$|\/fixtures\/|\/testing\/|^tests\/|\/testing\.ts$|test-services\.ts$/.test(file);
}

function read(file: string): string {
  return readFileSync(path.join(root, file), 'utf8');
}

function importsOf(text: string): readonly string[] {
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'(?<name>[^']+)'/g)].map((match) => match.groups?.['name'] ?? '');
}

function isAllowed(name: string, folder: string): boolean {
  const rule = rules[folder];
  if (rule === undefined || rule.never.some((pattern) => pattern.test(name))) return false;
  const [, ours] = /^@penstock\/([a-z]+)/.exec(name) ?? [];
  return ours === undefined || rule.ours.includes(ours);
}
