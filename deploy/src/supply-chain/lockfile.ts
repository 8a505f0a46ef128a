import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import { repository } from '../dockerfile.ts';

/** A package of the lock file, and whether the images hold it. */
export interface LockedPackage {
  readonly name: string;
  readonly version: string;
  readonly inProduction: boolean;
  /** For some systems only; which is installed depends on where. */
  readonly isOfSomeSystem: boolean;
}

/** The processes that are deployed: what they need is production, everything else is development. */
export const deployed = ['apps/ingest', 'apps/worker', 'apps/console'] as const;

const namesAndVersions = z.record(z.string(), z.string()).optional();
const resolved = z.record(z.string(), z.object({ version: z.string() })).optional();
const lockSchema = z.object({
  importers: z.record(z.string(), z.object({ dependencies: resolved, optionalDependencies: resolved })),
  packages: z.record(
    z.string(),
    z.object({
      os: z.array(z.string()).optional(),
      cpu: z.array(z.string()).optional(),
      peerDependenciesMeta: z.record(z.string(), z.object({ optional: z.boolean().optional() })).optional(),
    }),
  ),
  snapshots: z.record(z.string(), z.object({ dependencies: namesAndVersions, optionalDependencies: namesAndVersions })),
});
type Lock = z.infer<typeof lockSchema>;

/** The repository's lock file. */
export function readLockfile(): string {
  return readFileSync(path.join(repository, 'pnpm-lock.yaml'), 'utf8');
}

/** Every package that a lock file (pnpm's, version 9) names. Throws where it is none. */
export function lockedPackages(text: string): readonly LockedPackage[] {
  const lock = lockSchema.parse(parse(text));
  const production = new Set([...reached(lock)].map(withoutPeers));
  return Object.entries(lock.packages).map(([key, { os, cpu }]) => {
    const at = key.lastIndexOf('@');
    return {
      name: key.slice(0, at),
      version: key.slice(at + 1),
      inProduction: production.has(key),
      isOfSomeSystem: os !== undefined || cpu !== undefined,
    };
  });
}

/** The snapshots that the deployed processes need, through their own packages and everybody else's. */
function reached(lock: Lock): ReadonlySet<string> {
  const seen = new Set<string>();
  const folders: string[] = [...deployed];
  const keys: string[] = [];
  for (const folder of folders) {
    const { dependencies, optionalDependencies } = lock.importers[folder] ?? {};
    for (const [name, { version }] of Object.entries({ ...dependencies, ...optionalDependencies })) {
      if (!version.startsWith('link:')) keys.push(keyOf(name, version));
      else {
        const linked = path.posix.join(folder, version.slice('link:'.length));
        if (!folders.includes(linked)) folders.push(linked);
      }
    }
  }
  for (const key of keys) {
    if (seen.has(key)) continue;
    seen.add(key);
    const { dependencies, optionalDependencies } = lock.snapshots[key] ?? {};
    const peers = lock.packages[withoutPeers(key)]?.peerDependenciesMeta;
    for (const [name, version] of Object.entries({ ...dependencies, ...optionalDependencies }))
      // Such a peer is there because something else needs it, or is not there.
      if (peers?.[name]?.optional !== true) keys.push(keyOf(name, version));
  }
  return seen;
}

/** An alias has the package's own name in its version. */
function keyOf(name: string, version: string): string {
  return /^@?[^@(]+@/.test(version) ? version : `${name}@${version}`;
}

function withoutPeers(key: string): string {
  return key.replace(/\(.*$/, '');
}
