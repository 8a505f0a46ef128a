import { expect, test } from 'vitest';
import { integer, optionalText, requiredText } from './env.ts';
import { usageOf } from './process-arguments.ts';
import { version } from './version.ts';

test('a process explains each setting: its meaning, its default, whether it is secret or must be set', () => {
  const usage = usageOf({
    name: 'example',
    does: 'It does nothing.',
    settings: {
      url: requiredText({ name: 'QUEUE_URL', about: 'where the queue is', secret: true }),
      most: integer({ name: 'EVENTS_MAX', about: 'how many', fallback: 7, min: 1, max: 9 }),
      folder: optionalText({ name: 'A_NAME_THAT_IS_LONGER_THAN_ITS_COLUMN', about: 'word '.repeat(30).trim() }),
    },
  });
  const words = (count: number): string => Array.from({ length: count }, () => 'word').join(' ');
  const indent = ' '.repeat(28);
  expect(usage).toContain(`example, ${version}. It does nothing.`);
  expect(usage.split('\n\n')[2]).toBe(
    [
      `  QUEUE_URL${' '.repeat(17)}where the queue is (secret; must be set)`,
      `  EVENTS_MAX${' '.repeat(16)}how many (default: 7)`,
      '  A_NAME_THAT_IS_LONGER_THAN_ITS_COLUMN',
      `${indent}${words(14)}`,
      `${indent}${words(14)}`,
      `${indent}${words(2)}`,
      '',
    ].join('\n'),
  );
});
