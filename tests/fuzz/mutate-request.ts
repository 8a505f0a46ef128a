import type { SignedRequest } from '@penstock/core/signed-request';
import { mutateBytes } from './mutate-bytes.ts';
import { mutateJson } from './mutate-json.ts';
import type { Random } from './random.ts';

/** What was done to a genuine request. */
export type Change =
  | 'nothing'
  | 'body'
  | 'header'
  | 'headers'
  | 'query'
  | 'body of another'
  | 'other secret'
  | 'other time';

export interface MutatedRequest {
  readonly change: Change;
  readonly request: SignedRequest;
}

/** A genuine request with something wrong in its bytes, its headers or its query. */
export function mutateRequest(genuine: SignedRequest, other: SignedRequest, random: Random): MutatedRequest {
  switch (random.below(8)) {
    case 0:
    case 1:
      return { change: 'body', request: { ...genuine, body: mutateBytes(genuine.body, random) } };
    case 2:
      return { change: 'body', request: { ...genuine, body: mutateJson(genuine.body, random) } };
    case 3:
    case 4:
      return { change: 'header', request: { ...genuine, headers: mutateOneHeader(genuine.headers, random) } };
    case 5:
      return {
        change: 'headers',
        request: { ...genuine, headers: swapHeaders(genuine.headers, other.headers, random) },
      };
    case 6:
      return {
        change: 'query',
        request: { ...genuine, query: mutateBytes(Buffer.from(genuine.query), random).toString('latin1') },
      };
    default:
      return { change: 'body of another', request: { ...genuine, body: other.body } };
  }
}

type Headers = SignedRequest['headers'];

function mutateOneHeader(headers: Headers, random: Random): Headers {
  const names = Object.keys(headers);
  const name = names[random.below(names.length)];
  if (name === undefined) return headers;
  const [value = ''] = headers[name] ?? [];
  const changed = random.pick<readonly string[] | undefined>([
    undefined,
    [],
    [''],
    [value, value],
    [mutateBytes(Buffer.from(value, 'latin1'), random).toString('latin1')],
    [mutateBytes(Buffer.from(value, 'latin1'), random).toString('latin1')],
    [mutateBytes(Buffer.from(value, 'latin1'), random).toString('latin1')],
    [`${value},${value}`],
    [value.toUpperCase()],
    [value.toLowerCase()],
    [value.replaceAll(/[0-9]/g, '0')],
    ['x'.repeat(1 + random.below(10_000))],
    [value, mutateBytes(Buffer.from(value, 'latin1'), random).toString('latin1')],
  ]);
  return { ...headers, [name]: changed };
}

/** Some of another request's headers in place of this one's. */
function swapHeaders(headers: Headers, others: Headers, random: Random): Headers {
  return Object.fromEntries(
    [...new Set([...Object.keys(headers), ...Object.keys(others)])].map((name) => [
      name,
      random.below(2) === 0 ? headers[name] : others[name],
    ]),
  );
}
