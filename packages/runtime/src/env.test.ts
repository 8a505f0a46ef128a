import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail } from 'node:assert';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigurationError } from '@penstock/core/failure';
import {
  integer,
  oneOf,
  optionalInteger,
  optionalText,
  readSettings,
  requiredText,
  text,
  type Environment,
} from './env.ts';
import { databaseSettings, sharedSettings } from './shared-settings.ts';

const settings = {
  token: requiredText({
    name: 'TOKEN',
    about: 'what opens the door',
    secret: true,
    pattern: /^tok_\w+$/,
    expects: 'a token that starts with tok_',
  }),
  note: optionalText({ name: 'NOTE', about: 'a note', pattern: /^\w+$/, expects: 'one word' }),
  queue: text({ name: 'QUEUE', about: 'which queue', fallback: 'webhooks' }),
  port: optionalInteger({ name: 'PORT', about: 'port', min: 0, max: 65_535, fallbackAbout: 'a free one' }),
  waitMs: integer({ name: 'WAIT_MS', about: 'how long to wait', fallback: 250, min: 10, max: 1_000 }),
  level: oneOf({ name: 'LEVEL', about: 'how much to say', words: ['low', 'high'], fallback: 'low' }),
};

let home: string;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'penstock-env-'));
});
afterAll(async () => rm(home, { recursive: true }));

async function fileWith(content: string): Promise<string> {
  const file = join(await mkdtemp(join(home, 'file-')), 'value');
  await writeFile(file, content);
  return file;
}

function problemsOf(environment: Environment, of: Parameters<typeof readSettings>[0] = settings): readonly string[] {
  try {
    readSettings(of, environment);
  } catch (error) {
    return error instanceof ConfigurationError ? error.problems : fail(String(error));
  }
  return [];
}

describe('settings', () => {
  test('are read, and what is not set has its default', () => {
    expect(readSettings(settings, { TOKEN: 'tok_1' })).toEqual({
      token: 'tok_1',
      note: undefined,
      queue: 'webhooks',
      port: undefined,
      waitMs: 250,
      level: 'low',
    });
    expect(
      readSettings(settings, { TOKEN: 'tok_1', NOTE: 'a', QUEUE: 'q', PORT: '0', WAIT_MS: '1000', LEVEL: 'high' }),
    ).toEqual({ token: 'tok_1', note: 'a', queue: 'q', port: 0, waitMs: 1_000, level: 'high' });
  });

  test('that are empty are not set', () => {
    expect(readSettings(settings, { TOKEN: 'tok_1', NOTE: '', PORT: '', WAIT_MS: '', TOKEN_FILE: '' })).toMatchObject({
      note: undefined,
      port: undefined,
      waitMs: 250,
    });
    expect(problemsOf({ TOKEN: '' })).toEqual(['TOKEN is missing (what opens the door)']);
  });

  test('that are wrong are all named in one error, each with what it should be', () => {
    expect(problemsOf({ TOKEN: 'nope', NOTE: 'two words', PORT: '80a', WAIT_MS: '5', LEVEL: 'middling' })).toEqual([
      'TOKEN must be a token that starts with tok_ (what opens the door)',
      'NOTE must be one word (a note)',
      'PORT must be a whole number from 0 to 65535 (port)',
      'WAIT_MS must be a whole number from 10 to 1000 (how long to wait)',
      'LEVEL must be one of low, high (how much to say)',
    ]);
  });

  test.each(['-1', '65536', '1e3', '0x10', ' 80', '80 ', '8.0', 'NaN', '9'.repeat(400)])(
    'a port of %j is no port',
    (port) => {
      expect(problemsOf({ TOKEN: 'tok_1', PORT: port })).toEqual([
        'PORT must be a whole number from 0 to 65535 (port)',
      ]);
    },
  );

  test('a wrong value, secret or not, is never repeated, by any setting that processes share', () => {
    const all = { ...settings, ...sharedSettings, ...databaseSettings };
    const needle = 'hunter2 hunter2';
    const everything = Object.fromEntries(Object.values(all).map(({ name }) => [name, needle]));
    const problems = problemsOf(everything, all);
    const secrets = Object.values(all).filter(({ secret }) => secret);
    expect(secrets.length).toBeGreaterThanOrEqual(4);
    for (const { name } of secrets)
      expect(problems).toContainEqual(expect.stringMatching(new RegExp(`^${name} must `)));
    expect(problems.join('\n')).not.toContain('hunter2');
  });
});

describe('a setting in a file', () => {
  test('is read from where NAME_FILE says, without the line feed at its end', async () => {
    expect(
      readSettings(settings, { TOKEN_FILE: await fileWith('tok_from_file\n'), WAIT_MS_FILE: await fileWith('20') }),
    ).toMatchObject({ token: 'tok_from_file', waitMs: 20 });
  });

  test('that is also set directly is refused, and neither value is shown', async () => {
    expect(problemsOf({ TOKEN: 'tok_a', TOKEN_FILE: await fileWith('tok_b') })).toEqual([
      'TOKEN is set both directly and through TOKEN_FILE; remove one (what opens the door)',
    ]);
  });

  test('that cannot be read says why', async () => {
    const folder = join(home, 'folder');
    await mkdir(folder);
    expect(problemsOf({ TOKEN_FILE: join(home, 'absent') })).toEqual([
      'TOKEN could not be read from the file that TOKEN_FILE names: ENOENT (what opens the door)',
    ]);
    expect(problemsOf({ TOKEN_FILE: folder })).toEqual([
      'TOKEN could not be read from the file that TOKEN_FILE names: EISDIR (what opens the door)',
    ]);
  });

  test('that is empty is missing, as an empty variable is', async () => {
    expect(problemsOf({ TOKEN_FILE: await fileWith('\n') })).toEqual(['TOKEN is missing (what opens the door)']);
    expect(
      readSettings(settings, { TOKEN: 'tok_1', QUEUE_FILE: await fileWith(''), WAIT_MS_FILE: await fileWith(' ') }),
    ).toMatchObject({ queue: 'webhooks', waitMs: 250 });
  });

  test('that is wrong is not repeated', async () => {
    expect(problemsOf({ TOKEN_FILE: await fileWith('hunter2') }).join()).not.toContain('hunter2');
  });
});
