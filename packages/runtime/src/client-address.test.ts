import { describe, expect, test } from 'vitest';
import { createClientAddress, networkList, type ForwardedHeader } from './client-address.ts';

function trusting(networks: string | undefined) {
  const reading = networkList({ name: 'TRUSTED_PROXIES', about: '' }).read(networks);
  if ('problem' in reading) throw new Error(reading.problem);
  return reading.value;
}

function client(given: {
  readonly trusted?: string;
  readonly header?: ForwardedHeader;
  readonly peer: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}): string {
  const of = createClientAddress({ trusted: trusting(given.trusted), header: given.header ?? 'x-forwarded-for' });
  return of({ socket: { remoteAddress: given.peer }, headers: { ...given.headers } });
}

const trusted = '10.0.0.0/8, 2001:db8::/32 192.0.2.7';

describe("a request's client", () => {
  test('is who holds the connection where no proxy is trusted, whatever headers say', () => {
    const headers = { 'x-forwarded-for': '203.0.113.5', forwarded: 'for=203.0.113.5' };
    expect(client({ peer: '198.51.100.1', headers })).toBe('198.51.100.1');
    expect(client({ peer: '::ffff:198.51.100.1', headers })).toBe('198.51.100.1');
    expect(client({ peer: undefined, headers })).toBe('');
    expect(client({ trusted, peer: '198.51.100.1', headers })).toBe('198.51.100.1');
  });

  test.each([
    { says: '203.0.113.5', is: '203.0.113.5' },
    { says: '1.1.1.1, 203.0.113.5, 10.9.9.9', is: '203.0.113.5' },
    { says: '1.1.1.1, 10.1.1.1, 192.0.2.7', is: '1.1.1.1' },
    { says: '10.3.3.3, 10.1.1.1', is: '10.3.3.3' },
    { says: '1.1.1.1, unknown, 10.1.1.1', is: '10.1.1.1' },
    { says: '1.1.1.1, _hidden', is: '10.0.0.1' },
    { says: '1.1.1.1,', is: '10.0.0.1' },
    { says: '203.0.113.5:4711', is: '203.0.113.5' },
    { says: '[2001:db9::1]:4711', is: '2001:db9::1' },
    { says: '2001:db9::1', is: '2001:db9::1' },
    { says: '::ffff:203.0.113.5', is: '203.0.113.5' },
    { says: '203.0.113.5, 2001:db8::9', is: '203.0.113.5' },
    { says: Array.from({ length: 3_000 }, () => '10.1').join(','), is: '10.0.0.1' },
    { says: Array.from({ length: 3_000 }, () => '10.1.1.1').join(','), is: '10.1.1.1' },
  ])('behind a trusted proxy that says $says is $is', ({ says, is }) => {
    expect(client({ trusted, peer: '10.0.0.1', headers: { 'x-forwarded-for': says } })).toBe(is);
  });

  test.each([
    { says: 'for=203.0.113.5;proto=https', is: '203.0.113.5' },
    { says: 'for=1.1.1.1, proto=https; For="[2001:db9::1]:4711";by=10.0.0.1', is: '2001:db9::1' },
    { says: 'for="1.1.1.1, for=203.0.113.5', is: '203.0.113.5' },
    { says: 'for=1.1.1.1, for=_secret', is: '10.0.0.1' },
    { says: 'proto=https', is: '10.0.0.1' },
  ])('behind one that writes Forwarded and says $says is $is', ({ says, is }) => {
    const headers = { forwarded: says, 'x-forwarded-for': '9.9.9.9' };
    expect(client({ trusted, header: 'forwarded', peer: '10.0.0.1', headers })).toBe(is);
  });

  test('is told by one header field; the other is passed on as anybody wrote it', () => {
    expect(client({ trusted, peer: '10.0.0.1', headers: { forwarded: 'for=203.0.113.5' } })).toBe('10.0.0.1');
  });
});

test.each(['10.0.0.0/33', '10.0.0/8', 'localhost', '2001:db8::/129', '10.0.0.0/8/8', '10.0.0.0/x'])(
  '%s is no network and is refused at start',
  (network) => {
    expect(() => trusting(network)).toThrow('must be addresses or networks');
  },
);
