import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as z from 'zod';
import { repository } from '../dockerfile.ts';

const reportSchema = z.array(
  z.object({
    filePath: z.string(),
    messages: z.array(z.object({ ruleId: z.string(), message: z.string(), range: z.tuple([z.number(), z.number()]) })),
  }),
);
const allowedSchema = z.array(
  z.strictObject({ file: z.string(), sha256: z.string().length(64), reason: z.string().min(10) }),
);

/** What looks like a secret, and where. */
export interface Suspect {
  readonly file: string;
  readonly rule: string;
  /** Of the text itself, which is told nowhere. */
  readonly sha256: string;
}

/** One text in one file that looks like a secret and is none. */
export type AllowedSecret = z.infer<typeof allowedSchema>[number];

/** allowed-secrets.json beside this file. Throws where it is malformed. */
export function readAllowedSecrets(): readonly AllowedSecret[] {
  return allowedSchema.parse(JSON.parse(readFileSync(path.join(import.meta.dirname, 'allowed-secrets.json'), 'utf8')));
}

/** Looks through files (paths inside `root`) with every rule of secretlint's recommended preset. Throws where it cannot. */
export function suspectsIn(files: readonly string[], root: string): readonly Suspect[] {
  const secretlint = path.join(repository, 'deploy/node_modules/.bin/secretlint');
  const rules = { rules: [{ id: '@secretlint/secretlint-rule-preset-recommend' }] };
  const { stdout, stderr, status } = spawnSync(
    secretlint,
    [
      '--no-glob',
      '--no-gitignore',
      '--format',
      'json',
      '--secretlintrcJSON',
      JSON.stringify(rules),
      ...files.map((file) => path.join(root, file)),
    ],
    { cwd: path.join(repository, 'deploy'), encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
  );
  if (status !== 0 && status !== 1) throw new Error(`secretlint failed: ${stderr}`);
  return reportSchema.parse(JSON.parse(stdout)).flatMap(({ filePath, messages }) => {
    const text = messages.length === 0 ? '' : readFileSync(filePath, 'utf8');
    return messages.map(({ ruleId, range }) => ({
      file: path.relative(root, filePath).replaceAll(path.sep, '/'),
      rule: ruleId,
      sha256: createHash('sha256')
        .update(text.slice(...range))
        .digest('hex'),
    }));
  });
}

/** Suspects that nobody allowed, and allowances of what is not there any more. */
export function judge(
  suspects: readonly Suspect[],
  allowed: readonly AllowedSecret[],
): { readonly refused: readonly Suspect[]; readonly idle: readonly AllowedSecret[] } {
  const isSame = (suspect: Suspect, allowance: AllowedSecret): boolean =>
    suspect.file === allowance.file && suspect.sha256 === allowance.sha256;
  return {
    refused: suspects.filter((suspect) => !allowed.some((one) => isSame(suspect, one))),
    idle: allowed.filter((one) => !suspects.some((suspect) => isSame(suspect, one))),
  };
}
