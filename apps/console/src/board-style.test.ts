import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { expect, test } from 'vitest';

const styleSheet = readFileSync(path.join(import.meta.dirname, 'board.css'), 'utf8');
const classes = [...styleSheet.matchAll(/\.(?<name>[A-Za-z][\w-]+)/g)].flatMap(({ groups }) => groups?.['name'] ?? []);

/** All that the browser is given to run of Bull Board's page. */
function scriptsOfBoard(): string {
  const api = createRequire(import.meta.url).resolve('@bull-board/api');
  const dir = path.join(path.dirname(createRequire(api).resolve('@bull-board/ui/package.json')), 'dist/static/js');
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.js'))
    .map((file) => readFileSync(path.join(dir, file), 'utf8'))
    .join('\n');
}

test('what is hidden on the board is named as this version of Bull Board names it', () => {
  const scripts = scriptsOfBoard();
  const named = classes.filter((name) => name.includes('-') && !name.startsWith('lucide'));
  expect(named.length).toBeGreaterThan(5);
  expect(named.filter((name) => !scripts.includes(name))).toEqual([]);
  // The icon of a retry, and of nothing else that a job offers.
  expect(scripts).toContain('"refresh-cw"');
});
