import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

const root = path.join(import.meta.dirname, '..');
const text = readFileSync(path.join(root, 'docs/SECURITY.md'), 'utf8');

/** One row of a table of claims. */
interface Claim {
  readonly component: string;
  readonly threat: string;
  readonly claim: string;
  readonly proofs: readonly { readonly file: string; readonly title: string }[];
}

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
    const kinds = ['spoofing', 'tampering', 'repudiation', 'disclosure', 'denial', 'elevation'];
    expect([...new Set(claims.map(({ threat }) => threat))].toSorted()).toEqual(kinds.toSorted());
    expect(claims.length).toBeGreaterThan(40);
    expect(text).toContain('### Taken on trust');
  });

  test.each(claims)('$component, $threat: "$claim" is shown by tests that there are', ({ proofs }) => {
    expect(proofs).not.toEqual([]);
    expect(proofs.filter((proof) => !isThere(proof))).toEqual([]);
  });

  test('a proof that is not there is found out', () => {
    expect(isThere({ file: 'tests/security-document.test.ts', title: 'a proof that is not there is found out' })).toBe(
      true,
    );
    expect(isThere({ file: 'tests/security-document.test.ts', title: 'a proof that is' })).toBe(false);
    expect(isThere({ file: 'tests/nothing.test.ts', title: 'a proof' })).toBe(false);
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
        return { component, threat, claim, proofs: proof.split('<br>').map(readProof) };
      });
  });
}

function readProof(cell: string): Claim['proofs'][number] {
  const [, file = '', title = ''] = /^`([^`]+)`: (.+)$/.exec(cell.trim()) ?? [];
  return { file, title };
}

/** Whether the file has a test, or a group of tests, of exactly this name. */
function isThere({ file, title }: Claim['proofs'][number]): boolean {
  if (title === '' || !existsSync(path.join(root, file))) return false;
  const source = readFileSync(path.join(root, file), 'utf8').replaceAll(String.raw`\'`, "'");
  return ["'", '"', '`'].some((quote) => source.includes(`${quote}${title}${quote},`));
}
