import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import * as z from 'zod';
import { jobIdOf, parseDelivery, type Delivery } from '@penstock/core/delivery';
import type { PayloadKeys } from '@penstock/core/payload-keys';
import { openDelivery } from '@penstock/core/sealed-delivery';
import { readRecords } from './records.ts';
import { syncFolder } from './segment-writer.ts';

/** Offered to the queue at once: enough to fill its connection, few enough to do again after a crash. */
const OFFERED_AT_ONCE = 32;

/** What draining a segment needs of its spool and of the queue. */
export interface SegmentDrain {
  readonly add: (deliveries: readonly Delivery[]) => Promise<unknown>;
  /** Keeps a request's deliveries in a later segment. */
  readonly keepAgain: (deliveries: readonly Delivery[]) => Promise<unknown>;
  readonly keys: PayloadKeys | null;
  /** What the spool holds, by identity; what is taken leaves it. */
  readonly held: Set<string>;
  readonly onDamage: (damage: { readonly file: string; readonly bytes: number }) => void;
}

/** One event and body, once: what the queue would call a repetition is one here too. */
export function identityOf(delivery: Delivery): string {
  return `${jobIdOf(delivery)} ${delivery.bodySha256}`;
}

/** What a segment holds: the deliveries of each request, and the stretches that nothing can be made of. */
export async function readSegment(file: string, keys: PayloadKeys | null) {
  const bytes = await readFile(file);
  const { records, damage } = readRecords(bytes);
  const batches: (readonly Delivery[])[] = [];
  const unreadable = [...damage];
  for (const record of records) {
    const deliveries = readDeliveries(record.payload, keys);
    if (deliveries === null) unreadable.push(record);
    else batches.push(deliveries);
  }
  return { bytes, batches, unreadable };
}

/**
 * Offers every delivery of a segment to the queue, in order; returns how many
 * it took, once nothing in the segment is needed any more. What the queue
 * refuses while it takes others is kept again, behind the rest, so that it
 * holds nothing up. Throws what the queue said where it takes nothing.
 */
export async function drainSegment(file: string, drain: SegmentDrain): Promise<number> {
  const { bytes, batches, unreadable } = await readSegment(file, drain.keys);
  let taken = 0;
  for (let from = 0; from < batches.length; from += OFFERED_AT_ONCE) {
    const offered = batches.slice(from, from + OFFERED_AT_ONCE);
    const results = await Promise.allSettled(offered.map((deliveries) => drain.add(deliveries)));
    const refused = offered.filter((_, position) => results[position]?.status === 'rejected');
    if (refused.length === offered.length) throw reasonOf(results[0]);
    for (const delivery of offered.flat()) drain.held.delete(identityOf(delivery));
    for (const deliveries of refused) await drain.keepAgain(deliveries);
    taken += offered.flat().length - refused.flat().length;
  }
  for (const { from, to } of unreadable)
    drain.onDamage(await putAside(file, { from, bytes: bytes.subarray(from, to) }));
  return taken;
}

/** Out of the way, and not away: somebody may still find an event in it. */
async function putAside(segment: string, piece: { readonly from: number; readonly bytes: Buffer }) {
  const dir = path.join(path.dirname(segment), 'damaged');
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const file = path.join(dir, `${path.basename(segment, '.spool')}-${piece.from}.bytes`);
  await writeFile(file, piece.bytes, { mode: 0o600, flush: true });
  await syncFolder(dir);
  return { file, bytes: piece.bytes.length };
}

/** Null where it is whole and no delivery all the same: another version wrote it, or another key sealed it. */
function readDeliveries(payload: Buffer, keys: PayloadKeys | null): readonly Delivery[] | null {
  try {
    return z
      .array(z.unknown())
      .parse(JSON.parse(payload.toString('utf8')))
      .map((data) => parseDelivery(openDelivery(data, keys)));
  } catch {
    return null;
  }
}

function reasonOf(result: PromiseSettledResult<unknown> | undefined): unknown {
  return result?.status === 'rejected' ? result.reason : new Error('the queue took nothing');
}
