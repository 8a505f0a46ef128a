import { installedLicences, readAllowedLicences, refusedLicences, type Licensed } from './licences.ts';
import { lockedPackages, readLockfile } from './lockfile.ts';

/** `pnpm check:licences`: every package's licence is one of licences.json. Exit code 1 where one is not. */
const { production, development } = readAllowedLicences();
const everything = await installedLicences();
const needed = lockedPackages(readLockfile()).filter(({ inProduction }) => inProduction);
const inProduction = everything.filter(({ name, version }) =>
  needed.some((one) => one.name === name && one.version === version),
);
const unseen = needed.filter(
  ({ name, version, isOfSomeSystem }) =>
    !isOfSomeSystem && !inProduction.some((one) => one.name === name && one.version === version),
);
const faults = [
  ...refusedLicences(inProduction, new Set(Object.keys(production))).map(told('production')),
  ...refusedLicences(everything, new Set([...Object.keys(production), ...Object.keys(development)])).map(
    told('any part'),
  ),
  ...unseen.map(({ name, version }) => `${name}@${version} is in production and its licence was not seen`),
];
process.stdout.write(
  `${inProduction.length} packages of production and ${everything.length} in all: their licences looked at\n`,
);
for (const fault of faults) process.stdout.write(`  ✗ ${fault}\n`);
process.exitCode = faults.length === 0 ? 0 : 1;

function told(where: string): (licensed: Licensed) => string {
  return ({ name, version, licence }) =>
    `${name}@${version}: ${licence} is not allowed in ${where} (deploy/src/supply-chain/licences.json)`;
}
