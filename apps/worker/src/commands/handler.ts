import { runCommand } from '@penstock/runtime/lifecycle';
import { testHandler } from './test-handler.ts';

const usage = `Usage: pnpm handler test <handler> <event> [--provider ID | --endpoint NAME] [--type TYPE] [--id ID]

Runs one handler of the configuration on one event, in a transaction that is
rolled back, and prints what it would write. Nothing is changed.

  <handler>        its name in penstock.config.ts
  <event>          a file that holds a provider's body as it was sent, or the
                   id of an event in the ledger
  --endpoint NAME  which endpoint the file's event came to, as configured
  --provider ID    or only whose event it is (default: stripe)
  --type, --id     the event's type and id, where they are not "type" and "id"
                   of the file's JSON
  --help           this text

Needs DATABASE_URL; PENSTOCK_CONFIG names another configuration. Exit code 0
where the handler succeeded, 1 where it failed, 78 for wrong settings.
`;

/** `pnpm handler`: what an author of handlers asks for. */
await runCommand(async () => {
  const [verb, ...rest] = process.argv.slice(2);
  if (verb === '--help' || rest.includes('--help')) process.stdout.write(usage);
  else if (verb === 'test') process.exitCode = await testHandler(rest, process.env);
  else {
    process.stderr.write(usage);
    process.exitCode = 64;
  }
});
