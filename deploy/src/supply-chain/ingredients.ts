import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { LockedPackage } from './lockfile.ts';

/** What the schema of CycloneDX 1.6 asks for, and what makes a list of ingredients of use: each with its address and hash. */
const externalSchema = z.looseObject({
  type: z.string(),
  url: z.string(),
  hashes: z.array(z.strictObject({ alg: z.string(), content: z.string() })).optional(),
});
const componentSchema = z.looseObject({
  type: z.enum(['application', 'library', 'framework']),
  'bom-ref': z.string(),
  name: z.string().min(1),
  group: z.string().optional(),
  version: z.string(),
  purl: z.string().startsWith('pkg:npm/'),
  externalReferences: z.array(externalSchema).optional(),
});
const ingredientsSchema = z.looseObject({
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.literal('1.6'),
  serialNumber: z.string().regex(/^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/),
  version: z.int().positive(),
  metadata: z.looseObject({ timestamp: z.iso.datetime(), component: z.looseObject({ name: z.string() }) }),
  components: z.array(componentSchema).min(1),
  dependencies: z.array(z.strictObject({ ref: z.string(), dependsOn: z.array(z.string()).optional() })),
});

/** A list of ingredients (SBOM), CycloneDX 1.6. */
export type Ingredients = z.infer<typeof ingredientsSchema>;

/**
 * The same list for the same commit, byte for byte: in order, with the commit's time, and with a serial number made of
 * what it lists. Throws where the document is no such list.
 */
export function reproducible(document: unknown, committedAt: Date): Ingredients {
  const { serialNumber: _, metadata, components, dependencies, ...rest } = ingredientsSchema.parse(document);
  const listed = {
    ...rest,
    metadata: { ...metadata, timestamp: committedAt.toISOString() },
    components: components.toSorted((one, other) => compare(one['bom-ref'], other['bom-ref'])),
    dependencies: dependencies
      .map(({ ref, dependsOn }) => ({ ref, ...(dependsOn && { dependsOn: dependsOn.toSorted(compare) }) }))
      .toSorted((one, other) => compare(one.ref, other.ref)),
  };
  return { ...listed, serialNumber: `urn:uuid:${uuidOf(JSON.stringify(listed))}` };
}

/** What is wrong with a list: two of one name, a reference to nothing, one without a hash, one of production missing. */
export function faultsOf(list: Ingredients, packages: readonly LockedPackage[]): readonly string[] {
  const refs = list.components.map((component) => component['bom-ref']);
  const known = new Set([...refs, String(list.metadata.component['bom-ref'])]);
  const mentioned = list.dependencies.flatMap(({ ref, dependsOn = [] }) => [ref, ...dependsOn]);
  const names = new Set(
    list.components.map(({ group, name, version }) => `${group ? `${group}/` : ''}${name}@${version}`),
  );
  return [
    ...refs.filter((ref, at) => refs.indexOf(ref) !== at).map((ref) => `${ref} is listed twice`),
    ...[...new Set(mentioned)].filter((ref) => !known.has(ref)).map((ref) => `${ref} is needed and not listed`),
    ...list.components
      .filter(
        ({ group, externalReferences = [] }) =>
          group !== '@penstock' && !externalReferences.some(({ hashes }) => hashes?.length),
      )
      .map((component) => `${component['bom-ref']} has no hash`),
    ...packages
      .filter(
        ({ name, version, inProduction, isOfSomeSystem }) =>
          inProduction && !isOfSomeSystem && !names.has(`${name}@${version}`),
      )
      .map(({ name, version }) => `${name}@${version} is in production and not listed`),
  ];
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Version 8 of RFC 9562: a UUID of the maker's own making. */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 0x3) | 0x8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}
