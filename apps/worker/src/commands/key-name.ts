import { text } from 'node:stream/consumers';
import { ConfigurationError } from '@penstock/core/failure';
import { keyNameOf } from '@penstock/core/rotating-secrets';
import { readVariable } from '@penstock/runtime/env';
import { runCommand } from '@penstock/runtime/lifecycle';

const usage = `Usage: pnpm key-name VARIABLE     names each secret that the variable holds
       pnpm key-name < file       names the secret in the file

Tells the name by which a signing secret stands in logs, in metrics and on the
console's page /keys, without telling the secret. VARIABLE_FILE is read as well.
`;

/** `pnpm key-name`: which secret is the one that was used? */
await runCommand(async () => {
  const [variable, ...more] = process.argv.slice(2);
  if (variable === '--help' || more.length > 0) {
    process.stdout.write(usage);
    process.exitCode = more.length > 0 ? 64 : 0;
    return;
  }
  const secrets = (variable === undefined ? await text(process.stdin) : variableNamed(variable))
    .split(/[\s,]+/)
    .filter((secret) => secret !== '');
  if (secrets.length === 0) throw new ConfigurationError(['there is no secret to be named']);
  for (const secret of secrets) process.stdout.write(`${keyNameOf(secret)}\n`);
});

function variableNamed(name: string): string {
  const reading = readVariable(name, process.env);
  if (reading.kind === 'problem') throw new ConfigurationError([`${name} ${reading.problem}`]);
  if (reading.value === undefined) throw new ConfigurationError([`${name} is not set`]);
  return reading.value;
}
