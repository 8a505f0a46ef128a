import { runProcess, type ProcessScope } from '@penstock/runtime/lifecycle';
import { giveAccount, showAddresses } from './account.ts';
import { demonstrate } from './demonstration.ts';
import { readOptions, usage, type StartOptions } from './options.ts';
import { startSystem } from './system.ts';
import { print, step, styled } from './terminal.ts';

/** `pnpm start`: the whole system on this machine, shown at work. */
async function start(options: StartOptions, scope: ProcessScope): Promise<void> {
  // Three processes of up to eight seconds each, stopped one after the other, rarely take one together.
  scope.setShutdownMs(10_000);
  // Nobody reads any more: the terminal was closed, or the pipe. What was started is to end all the same.
  process.stdout.on('error', () => scope.stop());
  process.stderr.on('error', () => scope.stop());
  print(styled('bold', 'Starting Penstock'));
  scope.resources.defer(() => print(styled('dim', 'Stopped.')));
  const system = await startSystem(options, scope.resources);
  const demonstration = await step('demonstration', () => demonstrate(system, scope.stopping));
  if (scope.stopping.aborted) return;
  const { unexpected } = await giveAccount(system, demonstration);

  if (unexpected.length === 0) print(`\n${styled('green', 'Every outcome was the expected one.')}`);
  else print(`\n${styled('red', 'Not as expected:')}\n${unexpected.map((line) => `  - ${line}`).join('\n')}`);
  if (options.once) {
    if (unexpected.length > 0) process.exitCode = 1;
    scope.stop();
    return;
  }
  const { unservedEndpoints } = await import('./demo.config.ts');
  showAddresses(system, { home: options.home, unserved: unservedEndpoints });
  print(`\nUp until Ctrl-C.`);
}

await runProcess(async (scope) => {
  const options = readOptions(process.argv.slice(2), process.env);
  if (options !== 'help') return start(options, scope);
  print(usage);
  scope.stop();
});
