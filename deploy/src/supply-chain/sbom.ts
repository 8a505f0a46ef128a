import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { repository } from '../dockerfile.ts';
import { faultsOf, reproducible } from './ingredients.ts';
import { deployed, lockedPackages, readLockfile } from './lockfile.ts';
import { pnpm } from './pnpm.ts';

/** `pnpm sbom:make`: what production is made of, as CycloneDX, in artifacts/sbom.cdx.json. Exit code 1 where it is not whole. */
const { stdout, stderr, ok } = await pnpm([
  ...deployed.flatMap((folder) => ['--filter', `./${folder}...`]),
  'sbom',
  '--sbom-format=cyclonedx',
  '--sbom-spec-version=1.6',
  '--sbom-type=application',
  '--prod',
]);
if (!ok) throw new Error(`pnpm sbom failed: ${stderr}`);
const committed = execFileSync('git', ['log', '-1', '--format=%ct'], { cwd: repository, encoding: 'utf8' });
const list = reproducible(JSON.parse(stdout), new Date(Number(committed) * 1_000));
const faults = faultsOf(list, lockedPackages(readLockfile()));
const folder = path.join(repository, 'artifacts');
mkdirSync(folder, { recursive: true });
writeFileSync(path.join(folder, 'sbom.cdx.json'), `${JSON.stringify(list, null, 2)}\n`);
process.stdout.write(`artifacts/sbom.cdx.json: ${list.components.length} components, ${list.serialNumber}\n`);
for (const fault of faults) process.stdout.write(`  ✗ ${fault}\n`);
process.exitCode = faults.length === 0 ? 0 : 1;
