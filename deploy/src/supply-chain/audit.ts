import { askRegistry, type RegistryAnswer } from './registry-audit.ts';
import { idleAcceptances, readAdvisories, unaccepted, vulnerableOf, type AdvisoryList } from './advisories.ts';
import { lockedPackages, readLockfile, type LockedPackage } from './lockfile.ts';

/**
 * `pnpm audit:dependencies`: asks the registry for advisories on every package of the lock file, and where it does not
 * answer looks into the list that is kept here, and says so. Exit code 0 where nothing is known, 1 where something
 * is, 2 where nothing could be checked.
 */
async function main(): Promise<number> {
  const packages = lockedPackages(readLockfile());
  const list = readAdvisories();
  const answer = await askRegistry(packages);
  const found = answer.kind === 'answered' ? answer.found : vulnerableOf(packages, list.advisories);
  const bad = unaccepted(found, list);
  const idle = answer.kind === 'silent' ? idleAcceptances(found, list) : [];
  tell(source(answer, packages, list));
  for (const { id, title, locked } of found) {
    const verdict = bad.some((one) => one.id === id && one.locked === locked) ? '✗' : 'accepted:';
    const where = locked.inProduction ? 'production' : 'development';
    tell(`  ${verdict} ${locked.name}@${locked.version} (${where}): ${title}, https://github.com/advisories/${id}`);
  }
  for (const { id, package: name } of idle)
    tell(`  ✗ ${id} of ${name} is accepted and not there: take it off the list`);
  return bad.length + idle.length === 0 ? 0 : 1;
}

function source(answer: RegistryAnswer, packages: readonly LockedPackage[], list: AdvisoryList): string {
  if (answer.kind === 'answered') return `${packages.length} packages, by the registry's advisories of today`;
  return (
    `THE REGISTRY DID NOT ANSWER (${answer.why}). ${packages.length} packages were compared with the ` +
    `${list.advisories.length} advisories kept here, of ${list.date}; what is not among them was not looked for.`
  );
}

function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`Nothing was checked: ${String(error)}\n`);
  process.exitCode = 2;
}
