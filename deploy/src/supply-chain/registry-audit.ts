import * as z from 'zod';
import type { Vulnerable } from './advisories.ts';
import type { LockedPackage } from './lockfile.ts';
import { pnpm } from './pnpm.ts';

const answerSchema = z.object({
  advisories: z.record(
    z.string(),
    z.object({
      github_advisory_id: z.string(),
      module_name: z.string(),
      title: z.string(),
      findings: z.array(z.object({ version: z.string() })),
    }),
  ),
});

/** What the registry says of the lock file; or, where it does not answer, why not. */
export type RegistryAnswer =
  | { readonly kind: 'answered'; readonly found: readonly Vulnerable[] }
  | { readonly kind: 'silent'; readonly why: string };

/** Asks the registry through `pnpm audit`; `registry` instead of the configured one. */
export async function askRegistry(packages: readonly LockedPackage[], registry?: string): Promise<RegistryAnswer> {
  const { stdout, stderr } = await pnpm(
    ['audit', '--json'],
    registry === undefined ? {} : { pnpm_config_registry: registry },
  );
  const answer = answerSchema.safeParse(parseJson(stdout));
  if (!answer.success) return { kind: 'silent', why: /responded with \d+/.exec(stderr)?.[0] ?? 'pnpm audit failed' };
  const found = Object.values(answer.data.advisories).flatMap(
    ({ github_advisory_id: id, module_name: name, title, findings }) =>
      findings.map(({ version }) => ({
        id,
        title,
        // What is not in the lock file as it was read counts as the worst.
        locked: packages.find((one) => one.name === name && one.version === version) ?? {
          name,
          version,
          inProduction: true,
          isOfSomeSystem: false,
        },
      })),
  );
  return { kind: 'answered', found };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
