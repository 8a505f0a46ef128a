import { execFileSync } from 'node:child_process';
import { repository } from '../dockerfile.ts';
import { judge, readAllowedSecrets, suspectsIn } from './secrets.ts';

/** `pnpm check:secrets`: no file that git keeps holds what looks like a secret. Exit code 1 where one does. */
const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: repository, encoding: 'utf8' }).split('\0');
// The lock file's integrity hashes are long and random, and written by pnpm.
const files = tracked.filter((file) => file !== '' && file !== 'pnpm-lock.yaml');
const { refused, idle } = judge(suspectsIn(files, repository), readAllowedSecrets());
process.stdout.write(`${files.length} files looked through for secrets\n`);
for (const { file, rule, sha256 } of refused) process.stdout.write(`  ✗ ${file}: ${rule}, SHA-256 ${sha256}\n`);
for (const { file } of idle)
  process.stdout.write(`  ✗ ${file}: what is allowed there is not there: take it off the list\n`);
process.exitCode = refused.length + idle.length === 0 && files.length > 0 ? 0 : 1;
