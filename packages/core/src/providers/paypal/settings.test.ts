import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '../../failure.ts';
import { testEffects } from './fixtures/deliveries.ts';
import { readPayPalSettings } from './settings.ts';
import { createPayPalVerifier } from './verify.ts';

const credentials = { clientId: 'AZDxjDScFp', clientSecret: 'EGnHDxD_qRPd' };
const minimal = { webhookId: '4JH86294D6297924G', environment: 'sandbox' };

function read(settings: unknown) {
  return readPayPalSettings(settings, { production: false });
}

function problemsOf(settings: unknown, { production = false } = {}): readonly string[] {
  try {
    createPayPalVerifier(settings, testEffects({ production }));
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
}

describe('what is not set', () => {
  test('is offline verification in a window of three days and an hour', () => {
    expect(read(minimal)).toMatchObject({ mode: { kind: 'offline' }, toleranceMs: 262_800_000 });
  });

  test('is offline verification with the postback behind it, where there are credentials', () => {
    expect(read({ ...minimal, ...credentials })).toMatchObject({
      mode: { kind: 'offline-then-postback', credentials },
    });
  });
});

describe('the environment', () => {
  test('live and sandbox never share an origin or a name', () => {
    const live = read({ ...minimal, environment: 'live' }).environment;
    const sandbox = read(minimal).environment;
    expect(live).toMatchObject({ livemode: true, apiOrigin: 'https://api-m.paypal.com' });
    expect(sandbox).toMatchObject({ livemode: false, apiOrigin: 'https://api-m.sandbox.paypal.com' });
    expect(live.certificateOrigins.filter((origin) => sandbox.certificateOrigins.includes(origin))).toEqual([]);
    expect(live.certificateHost).not.toBe(sandbox.certificateHost);
  });

  test.each(['http://127.0.0.1:8080', 'http://localhost:1', 'https://[::1]:8443', 'http://127.0.0.1:8080/'])(
    'a simulator at %s is one origin for everything, and never live',
    (simulator) => {
      const { origin } = new URL(simulator);
      expect(read({ ...minimal, environment: { simulator } }).environment).toMatchObject({
        livemode: false,
        apiOrigin: origin,
        certificateOrigins: [origin],
      });
    },
  );

  test.each([
    'http://10.0.0.1:8080',
    'http://localhost.evil.example',
    'http://127.0.0.1.evil.example',
    'http://user@127.0.0.1',
    'http://127.0.0.1/path',
    'http://127.0.0.1?query',
    'http://127.0.0.1#hash',
    'ftp://127.0.0.1',
    'file:///etc/passwd',
    '127.0.0.1:8080',
    'http://0.0.0.0',
    '',
  ])('a simulator at %j is refused', (simulator) => {
    expect(problemsOf({ ...minimal, environment: { simulator } })).toHaveLength(1);
  });
});

describe('production', () => {
  test('refuses the simulator and the demonstration signature, naming both', () => {
    const settings = {
      ...minimal,
      environment: { simulator: 'http://127.0.0.1:8080' },
      mode: 'demo-hmac',
      demoSecret: 'a secret for demonstrations',
    };
    expect(problemsOf(settings)).toEqual([]);
    expect(problemsOf(settings, { production: true })).toEqual([
      expect.stringContaining('simulator'),
      expect.stringContaining('demo-hmac'),
    ]);
  });

  test('refuses neither PayPal nor its sandbox', () => {
    expect(problemsOf({ ...minimal, environment: 'live', ...credentials }, { production: true })).toEqual([]);
    expect(problemsOf(minimal, { production: true })).toEqual([]);
  });
});

describe('settings that cannot work', () => {
  test('are refused with every problem at once, across fields too, and no secret in any of them', () => {
    const clientSecret = 'secret with spaces';
    const problems = problemsOf(
      {
        webhookId: 'not an id',
        environment: { simulator: 'http://127.0.0.1' },
        mode: 'postback',
        clientSecret,
        demoSecret: 'short',
        toleranceSeconds: 0,
        colour: 'blue',
      },
      { production: true },
    );
    expect(problems).toEqual([
      expect.stringMatching(/^webhookId /),
      expect.stringMatching(/^clientSecret /),
      expect.stringMatching(/^demoSecret /),
      expect.stringMatching(/^toleranceSeconds /),
      expect.stringContaining('colour'),
      expect.stringMatching(/^clientId is required/),
      expect.stringMatching(/^environment: the simulator/),
    ]);
    expect(problems.join()).not.toMatch(/secret with spaces|short/);
  });

  test.each([
    { settings: undefined },
    { settings: null },
    { settings: 'text' },
    { settings: [] },
    { settings: { environment: 'sandbox' } },
    { settings: { webhookId: minimal.webhookId } },
    { settings: { ...minimal, environment: 'production' } },
    { settings: { ...minimal, mode: 'none' } },
    { settings: { ...minimal, mode: 'demo-hmac' } },
    { settings: { ...minimal, mode: 'demo-hmac', demoSecret: 'fifteen letters' } },
    { settings: { ...minimal, clientId: 'AZDxjDScFp' } },
    { settings: { ...minimal, clientSecret: 'EGnHDxD_qRPd' } },
    { settings: { ...minimal, ...credentials, clientId: 'a:b' } },
    { settings: { ...minimal, toleranceSeconds: 1.5 } },
    { settings: { ...minimal, toleranceSeconds: Number.POSITIVE_INFINITY } },
    { settings: { ...minimal, toleranceSeconds: 31 * 86_400 } },
  ])('are refused with exactly one problem: $settings', ({ settings }) => {
    expect(problemsOf(settings)).toHaveLength(1);
  });
});
