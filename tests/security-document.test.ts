import { existsSync, globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { providers } from '@penstock/core/providers/registry';
import { titlesIn } from './harness/test-titles.ts';

const root = path.join(import.meta.dirname, '..');
const text = readFileSync(path.join(root, 'docs/SECURITY.md'), 'utf8');

/** One row of a table of claims. */
interface Claim {
  readonly component: string;
  readonly threat: string;
  readonly claim: string;
  readonly proofs: readonly { readonly file: string; readonly title: string }[];
  /** Why there is nothing to prove; null where there is. */
  readonly excused: string | null;
}

const kinds = ['spoofing', 'tampering', 'repudiation', 'disclosure', 'denial', 'elevation'];

/** Guarantees that are written once: run by the tests of each provider that they stand for. */
const suites: Readonly<Record<string, RegExp>> = {
  'packages/core/src/providers/testing/conformance.ts': /^\s*conformsTo\(/m,
  'packages/core/src/providers/testing/static-token.ts': /^\s*knowsItsToken\(/m,
};

const claims = readClaims(text);
const components = Map.groupBy(claims, ({ component }) => component);

describe('docs/SECURITY.md', () => {
  test('every component is looked at, and every kind of threat', () => {
    expect([...components.keys()]).toEqual([
      'Ingest',
      'Queue and spool',
      'Worker',
      'Database',
      'Console and read API',
      'Outbox and forwarding',
      'Configuration and secrets',
      'Deployment',
    ]);
    for (const [component, its] of components)
      expect([component, [...new Set(its.map(({ threat }) => threat))].toSorted()]).toEqual([
        component,
        kinds.toSorted(),
      ]);
    expect(claims.length).toBeGreaterThan(40);
    expect(text).toContain('### Taken on trust');
  });

  test.each(claims.filter(({ excused }) => excused === null))(
    '$component, $threat: "$claim" is shown by tests that there are',
    ({ proofs }) => {
      expect(proofs).not.toEqual([]);
      expect(proofs.filter((proof) => !isThere(proof))).toEqual([]);
    },
  );

  test('what has no proof is excused in a sentence, and is the only one of its kind at its component', () => {
    for (const { component, threat, excused } of claims.filter((claim) => claim.excused !== null)) {
      expect(excused).toMatch(/^[A-Z].{20,}\.$/);
      expect(claims.filter((claim) => claim.component === component && claim.threat === threat)).toHaveLength(1);
    }
  });

  test('every provider runs a suite that is cited for all, or is cited with tests of its own', () => {
    const cited = claims.flatMap(({ proofs }) => proofs.map(({ file }) => file));
    const ran = Object.entries(suites).flatMap(([suite, call]) => (cited.includes(suite) ? [call] : []));
    const unproven = Object.keys(providers).filter((id) => {
      const folder = `packages/core/src/providers/${id}/`;
      const tests = globSync(`${folder}*.test.ts`, { cwd: root }).map((file) => read(file));
      return (
        !ran.some((call) => tests.some((source) => call.test(source))) && !cited.some((file) => file.startsWith(folder))
      );
    });
    expect(unproven).toEqual([]);
  });

  test('a proof that is not there is found out', () => {
    expect(isThere({ file: 'tests/security-document.test.ts', title: 'a proof that is not there is found out' })).toBe(
      true,
    );
    expect(isThere({ file: 'tests/security-document.test.ts', title: 'a proof that is' })).toBe(false);
    expect(isThere({ file: 'tests/nothing.test.ts', title: 'a proof' })).toBe(false);
    // Not run by itself, though it has the title.
    expect(isThere({ file: 'packages/core/src/providers/testing/conformance-header.ts', title: 'is hex' })).toBe(false);
  });

  test('a title that is not of a test that runs is found out', () => {
    const [skip, todo, only] = ['skip', 'todo', 'only'];
    const source = `
      // test('in a comment', () => {});
      /* test('in another', () => {}); */
      const text = "test('in a text', () => {})";
      test.${skip}('skipped', () => {});
      test('switched off', { skip: true }, () => {});
      it.${todo}('to do');
      describe.${skip}('a group', () => { test('in a group that is skipped', () => {}); });
      test.${only}('focused', () => {});
      test.each([1])('for each', (n: number) => {});
      describe('a group that runs', () => { it("isn't skipped", { timeout: 1 }, async () => {}); });`;
    expect([...titlesIn(source)]).toEqual(['for each', 'a group that runs', "isn't skipped"]);
  });
});

function readClaims(document: string): readonly Claim[] {
  const [, threats = ''] = document.split('\n## Threats\n');
  return threats.split('\n### ').flatMap((section) => {
    const [component = '', ...lines] = section.split('\n');
    return lines
      .filter((line) => line.startsWith('|') && !/^\|[\s|-]+$/.test(line) && !/^\| threat\s+\|/.test(line))
      .filter((line) => /^\| (spoofing|tampering|repudiation|disclosure|denial|elevation) /.test(line))
      .map((line) => {
        const [, threat = '', claim = '', proof = ''] = line
          .split(' | ')
          .flatMap((cell, position) =>
            position === 0 ? ['', cell.slice(2).trim()] : [cell.replace(/\|$/, '').trim()],
          );
        const [, excused = null] = /^None: (.+)$/.exec(proof) ?? [];
        return {
          component,
          threat,
          claim,
          excused,
          proofs: excused === null ? proof.split('<br>').map(readProof) : [],
        };
      });
  });
}

function readProof(cell: string): Claim['proofs'][number] {
  const [, file = '', title = ''] = /^`([^`]+)`: (.+)$/.exec(cell.trim()) ?? [];
  return { file, title };
}

/** Whether there is a test, or a group of tests, of exactly this name, and is run. */
function isThere({ file, title }: Claim['proofs'][number]): boolean {
  if (!(file.endsWith('.test.ts') || file in suites) || !existsSync(path.join(root, file))) return false;
  return titlesIn(read(file)).has(title);
}

function read(file: string): string {
  return readFileSync(path.join(root, file), 'utf8');
}
