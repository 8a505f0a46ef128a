import { z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { refuse, type ConsoleEnv } from '../respond.ts';
import { LIMIT_DEFAULT } from './parameters.ts';

const time = z.iso.datetime().transform((text) => new Date(text));
const text = z.string().regex(/^[\x21-\x7e]{1,255}$/);

/** The key of a list's last row, as its cursor holds it. A list's own rows alone can be gone on from. */
export const cursors = {
  payment: z.tuple([time, z.int()]).transform(([occurredAt, key]) => ({ occurredAt, key })),
  part: z.tuple([time, text, text]).transform(([occurredAt, account, id]) => ({ occurredAt, account, id })),
  dispute: z
    .tuple([time, text, text, z.int()])
    .transform(([occurredAt, account, id, paymentKey]) => ({ occurredAt, account, id, paymentKey })),
  event: z.tuple([time, z.int()]).transform(([receivedAt, id]) => ({ receivedAt, id })),
  number: z.tuple([z.int()]).transform(([id]) => ({ id })),
};

interface Listing<Row, Key, View> {
  readonly query: { readonly limit?: number | undefined; readonly cursor?: string | undefined };
  readonly key: z.ZodType<Key, readonly unknown[]>;
  /** Reads rows after this key, at most so many. */
  readonly read: (page: { readonly limit: number; readonly after: Key | null }) => Promise<readonly Row[]>;
  readonly keyOf: (row: Row) => readonly (Date | string | number)[];
  readonly view: (row: Row) => View;
}

/**
 * One page of a list: the rows and a link to the next, null at the end. Read by
 * the last row's key, not by an offset: each page costs the same, and rows that
 * come in between are neither skipped nor told twice.
 */
export async function answerPage<Row, Key, View>(context: Context<ConsoleEnv>, listing: Listing<Row, Key, View>) {
  const { query } = listing;
  const after = query.cursor === undefined ? null : readCursor(query.cursor, listing.key);
  if (after === undefined) return { refusal: refuse(context, { kind: 'cursor_invalid' }) };
  const limit = query.limit ?? LIMIT_DEFAULT;
  const rows = await listing.read({ limit: limit + 1, after });
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const next = rows.length > limit && last !== undefined ? nextLink(context.req.url, listing.keyOf(last)) : null;
  if (next !== null) context.header('link', `<${next}>; rel="next"`);
  return { page: { data: shown.map(listing.view), next } };
}

/** Undefined where the text is no cursor of this list. */
function readCursor<Key>(cursor: string, key: z.ZodType<Key, readonly unknown[]>): Key | undefined {
  try {
    return key.safeParse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))).data;
  } catch {
    return undefined;
  }
}

function writeCursor(key: readonly (Date | string | number)[]): string {
  return Buffer.from(JSON.stringify(key)).toString('base64url');
}

function nextLink(url: string, key: readonly (Date | string | number)[]): string {
  const next = new URL(url);
  next.searchParams.set('cursor', writeCursor(key));
  return next.pathname + next.search;
}
