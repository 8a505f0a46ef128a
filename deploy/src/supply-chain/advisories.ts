import { readFileSync } from 'node:fs';
import path from 'node:path';
import semver from 'semver';
import * as z from 'zod';
import type { LockedPackage } from './lockfile.ts';

const advisorySchema = z.strictObject({
  /** GitHub's id; https://github.com/advisories/<id> tells of it. */
  id: z.string().regex(/^GHSA(-[0-9a-z]{4}){3}$/),
  package: z.string(),
  /** As semver writes ranges. */
  vulnerable: z.string().refine((range) => semver.validRange(range) !== null, 'is no range'),
  title: z.string(),
});

const listSchema = z.strictObject({
  $comment: z.string(),
  date: z.iso.date(),
  advisories: z.array(advisorySchema),
  /** What is known and stays, in development alone. */
  accepted: z.array(z.strictObject({ id: z.string(), package: z.string(), version: z.string(), reason: z.string() })),
});

/** What is known of a package's versions. */
export type Advisory = z.infer<typeof advisorySchema>;
/** The list that is kept in the repository. */
export type AdvisoryList = z.infer<typeof listSchema>;

/** A package of the lock file that an advisory speaks of. */
export interface Vulnerable {
  readonly id: string;
  readonly title: string;
  readonly locked: LockedPackage;
}

/** The list beside this file. Throws where it is malformed. */
export function readAdvisories(): AdvisoryList {
  return listSchema.parse(JSON.parse(readFileSync(path.join(import.meta.dirname, 'advisories.json'), 'utf8')));
}

/** What of these packages an advisory speaks of. A pre-release is as vulnerable as the range that it lies in. */
export function vulnerableOf(
  packages: readonly LockedPackage[],
  advisories: readonly Advisory[],
): readonly Vulnerable[] {
  return packages.flatMap((locked) =>
    advisories
      .filter(({ package: name, vulnerable }) => name === locked.name && isIn(locked.version, vulnerable))
      .map(({ id, title }) => ({ id, title, locked })),
  );
}

function isIn(version: string, range: string): boolean {
  return semver.satisfies(version, range, { includePrerelease: true });
}

/** Those that nobody accepted. In production nothing is accepted. */
export function unaccepted(found: readonly Vulnerable[], { accepted }: AdvisoryList): readonly Vulnerable[] {
  return found.filter(
    ({ id, locked }) =>
      locked.inProduction ||
      !accepted.some((one) => one.id === id && one.package === locked.name && one.version === locked.version),
  );
}

/** Acceptances of what is not there any more. */
export function idleAcceptances(found: readonly Vulnerable[], { accepted }: AdvisoryList): AdvisoryList['accepted'] {
  return accepted.filter(
    (one) =>
      !found.some(({ id, locked }) => one.id === id && one.package === locked.name && one.version === locked.version),
  );
}
