import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { pnpm } from './pnpm.ts';

const reasons = z.record(z.string(), z.string().min(10));
const allowedSchema = z.strictObject({ production: reasons, development: reasons });
const listSchema = z.record(
  z.string(),
  z.array(z.object({ name: z.string(), versions: z.array(z.string()), license: z.string() })),
);

/** Licences by SPDX id, each with the reason why it may be used. What production may use, development may too. */
export type AllowedLicences = z.infer<typeof allowedSchema>;

/** A package with its licence, as its manifest says it. */
export interface Licensed {
  readonly name: string;
  readonly version: string;
  readonly licence: string;
}

/** licences.json beside this file. Throws where it is malformed. */
export function readAllowedLicences(): AllowedLicences {
  return allowedSchema.parse(JSON.parse(readFileSync(path.join(import.meta.dirname, 'licences.json'), 'utf8')));
}

/** What is installed here. Packages for another system are not, and are not seen. Throws where pnpm does not tell. */
export async function installedLicences(): Promise<readonly Licensed[]> {
  const { stdout, stderr, ok } = await pnpm(['-r', 'licenses', 'list', '--json']);
  if (!ok) throw new Error(`pnpm licenses failed: ${stderr}`);
  return Object.values(listSchema.parse(JSON.parse(stdout)))
    .flat()
    .flatMap(({ name, versions, license }) => versions.map((version) => ({ name, version, licence: license })));
}

/** Those whose licence is not among the allowed ones. Of a choice (`A OR B`) one is enough; of `A AND B` it takes both. */
export function refusedLicences(packages: readonly Licensed[], allowed: ReadonlySet<string>): readonly Licensed[] {
  const isAllowed = (expression: string): boolean => {
    const bare = expression.replace(/^\((?<inside>[^()]*)\)$/, '$<inside>').trim();
    if (allowed.has(bare)) return true;
    // Anything nested is for a person to read.
    if (/[()]/.test(bare)) return false;
    if (bare.includes(' OR ')) return bare.split(' OR ').some(isAllowed);
    return bare.includes(' AND ') && bare.split(' AND ').every(isAllowed);
  };
  return packages.filter(({ licence }) => !isAllowed(licence));
}
