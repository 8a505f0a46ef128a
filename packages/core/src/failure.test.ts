import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigurationError, PermanentError, toFailure, TransientError } from './failure.ts';

/** Thrown from one place of the code, as failures of one cause are. */
function failing(message: string, given: { readonly code?: string; readonly permanent?: boolean } = {}): unknown {
  const code = given.code ?? 'handler_failed';
  return given.permanent === true ? new PermanentError(code, message) : new TransientError(code, message);
}

const fingerprint = (message: string, code?: string): string =>
  toFailure(failing(message, code === undefined ? {} : { code })).fingerprint;

interface Varied {
  readonly id: string;
  readonly amount: string;
  readonly mail: string;
  readonly host: string;
  readonly at: string;
  readonly quoted: string;
}

describe('the fingerprint', () => {
  const identifiers = fc.oneof(
    fc.stringMatching(/^(evt|pi|ch|cus|re|dp)_[A-Za-z0-9]{14,28}$/),
    fc.uuid(),
    fc.uuid().map((id) => id.toUpperCase()),
    fc.stringMatching(/^WH-[0-9A-HJ-NP-Z]{16}[0-9]-[0-9A-HJ-NP-Z]{16}[0-9]$/),
    fc.nat().map(String),
    fc.stringMatching(/^[0-9a-f]{40,64}$/),
    fc.string({ maxLength: 40 }).map((text) => `"${text.replaceAll('"', '')}"`),
  );

  test('is one for failures that differ only in the identifier they name', () => {
    const kinds = [
      fc.stringMatching(/^(evt|pi|ch)_[A-Za-z0-9]{14,28}$/),
      fc.uuid(),
      fc.stringMatching(/^WH-[0-9A-HJ-NP-Z]{16}[0-9]-[0-9A-HJ-NP-Z]{16}[0-9]$/),
      fc.nat().map(String),
      fc.stringMatching(/^[0-9a-f]{40,64}$/),
    ];
    fc.assert(
      fc.property(fc.oneof(...kinds.map((kind) => fc.tuple(kind, kind))), ([one, other]) => {
        expect(fingerprint(`the customer of ${one} is unknown`)).toBe(
          fingerprint(`the customer of ${other} is unknown`),
        );
      }),
      { numRuns: 1_000 },
    );
  });

  test('does not depend on what kind of identifier it is that is named', () => {
    fc.assert(
      fc.property(identifiers, identifiers, (one, other) => {
        expect(fingerprint(`no row for ${one}, giving up`)).toBe(fingerprint(`no row for ${other}, giving up`));
      }),
    );
  });

  test('differs for another message, another code, another kind of error and another file', () => {
    const elsewhere = Object.assign(new TransientError('handler_failed', 'the bank said no'), {
      stack: 'Error\n    at charge (/srv/handlers/charge.ts:1:2)',
    });
    const prints = [
      fingerprint('the bank said no'),
      fingerprint('the bank did not answer'),
      fingerprint('the bank said no', 'bank_refused'),
      toFailure(failing('the bank said no', { permanent: true })).fingerprint,
      toFailure(elsewhere).fingerprint,
    ];
    expect(new Set(prints).size).toBe(prints.length);
    for (const print of prints) expect(print).toMatch(/^[0-9a-f]{16}$/);
  });

  test('reads a thousand failures of three causes as three', () => {
    // Three faults of a handler's, each told in words with something else in them every time.
    const faults: readonly ((varied: Varied) => unknown)[] = [
      ({ id, amount, mail }) => new TransientError('bank_refused', `no credit for ${mail}: ${amount} on ${id}`),
      ({ host, at }) => new Error(`connect ECONNREFUSED ${host} at ${at}`),
      ({ quoted }) => new TypeError(`Cannot read properties of undefined (reading ${quoted})`),
    ];
    const varied = fc.record({
      id: identifiers,
      amount: fc.double({ min: 0, max: 1e9, noNaN: true }).map((value) => value.toLocaleString('en-US')),
      mail: fc.emailAddress().filter((address) => !/['"]/.test(address)),
      host: fc.oneof(fc.ipV4(), fc.ipV6()).map((address) => `${address}:5432`),
      at: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) }).map((date) => date.toISOString()),
      quoted: fc.string({ maxLength: 30 }).map((text) => `'${text.replaceAll("'", '')}'`),
    });
    const prints = fc
      .sample(varied, { numRuns: 1_000, seed: 5 })
      .flatMap((values) => faults.map((fault) => toFailure(fault(values), { handler: 'grant' }).fingerprint));
    expect(new Set(prints).size).toBe(faults.length);
  });

  test('differs by the handler that failed, and not by where in a library it did', () => {
    const frames = (place: string) =>
      `Error\n    at parse (/srv/node_modules/pg/lib/${place})\n    at grant (/srv/grant.ts:1:2)`;
    const failed = (place: string, handler: string) =>
      toFailure(Object.assign(new Error('no'), { stack: frames(place) }), { handler }).fingerprint;
    expect(failed('a.js:1:1', 'grant')).toBe(failed('b.js:7:7', 'grant'));
    expect(failed('a.js:1:1', 'grant')).not.toBe(failed('a.js:1:1', 'notify'));
  });

  test('takes no longer for a message that is a megabyte long', () => {
    const started = performance.now();
    for (const message of ['a_'.repeat(500_000), 'a-'.repeat(500_000), '"'.repeat(1_000_001), '1'.repeat(1_000_000)])
      toFailure(new Error(message));
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe('what is recorded of a failure', () => {
  test('is a code, a message, a fingerprint and whether it is permanent', () => {
    expect(toFailure(new PermanentError('malformed_event', 'not an event'))).toMatchObject({
      code: 'malformed_event',
      message: 'not an event',
      permanent: true,
    });
    expect(toFailure(new TransientError('queue_unavailable', 'away'))).toMatchObject({
      code: 'queue_unavailable',
      permanent: false,
    });
    expect(toFailure(Object.assign(new Error('duplicate key'), { code: '23505' }))).toMatchObject({
      code: '23505',
      permanent: false,
    });
    expect(toFailure(new Error('oops'))).toMatchObject({ code: 'unexpected_error', message: 'oops', permanent: false });
    expect(toFailure('oops')).toMatchObject({ code: 'unexpected_error', message: 'oops', permanent: false });
  });

  test('has at most 500 characters of message, none of them one that a text column refuses', () => {
    for (const long of ['😀'.repeat(501), `a${'😀'.repeat(501)}`, '\0'.repeat(501)]) {
      const { message } = toFailure(new Error(long));
      expect({ length: message.length, wellFormed: message.isWellFormed() }).toEqual({ length: 500, wellFormed: true });
    }
    expect(toFailure(new Error('a\0b\uD800c')).message).toBe('a\uFFFDb\uFFFDc');
    const coded = Object.assign(new Error('no'), { code: `a\0b\uD800${'c'.repeat(500)}` });
    expect(toFailure(coded).code).toBe(`a\uFFFDb\uFFFD${'c'.repeat(96)}`);
  });

  const hostile: { readonly what: string; readonly thrown: unknown }[] = [
    { what: 'nothing', thrown: undefined },
    { what: 'null', thrown: null },
    { what: 'a symbol', thrown: Symbol('no') },
    { what: 'an object without a prototype', thrown: Object.create(null) },
    {
      what: 'an object that cannot be written',
      thrown: {
        toString: () => {
          throw new Error('no');
        },
      },
    },
    { what: 'an error whose message is no text', thrown: Object.assign(new Error('x'), { message: 7 }) },
    {
      what: 'an error whose message throws',
      thrown: Object.defineProperty(new Error('x'), 'message', {
        get: () => {
          throw new Error('no');
        },
      }),
    },
    {
      what: 'an error whose code throws',
      thrown: Object.defineProperty(new Error('x'), 'code', {
        get: () => {
          throw new Error('no');
        },
      }),
    },
    { what: 'an error whose stack is no text', thrown: Object.assign(new Error('x'), { stack: 7 }) },
    { what: 'an error without a stack', thrown: Object.assign(new Error('x'), { stack: undefined }) },
    {
      what: 'a proxy that refuses everything',
      thrown: new Proxy(new Error('x'), {
        get: () => {
          throw new Error('no');
        },
        has: () => {
          throw new Error('no');
        },
        getPrototypeOf: () => {
          throw new Error('no');
        },
      }),
    },
  ];
  test.each(hostile)('is recorded of $what too', ({ thrown }) => {
    expect(toFailure(thrown)).toMatchObject({
      code: expect.any(String),
      message: expect.any(String),
      fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/),
      permanent: false,
    });
  });

  test('is recorded of anything that can be thrown', () => {
    fc.assert(
      fc.property(
        fc.anything({ withNullPrototype: true, withBigInt: true, withDate: true, withMap: true }),
        (thrown) => {
          expect(toFailure(thrown)).toMatchObject({ message: expect.any(String), permanent: false });
        },
      ),
    );
  });
});

test('a configuration error lists every problem on a line of its own', () => {
  expect(new ConfigurationError(['PORT must be a number', 'REDIS_URL is missing']).message).toBe(
    'The configuration has 2 problems:\n  - PORT must be a number\n  - REDIS_URL is missing',
  );
  expect(new ConfigurationError(['PORT must be a number']).message).toBe(
    'The configuration has 1 problem:\n  - PORT must be a number',
  );
});
