import { crc32 } from 'node:zlib';

/**
 * How deliveries lie in a spool's segment: one record after the other, each a
 * mark, the length of its payload, a CRC-32 of length and payload, and the
 * payload. The mark begins with a byte that UTF-8 never has, and payloads are
 * UTF-8, so that the next record can be found behind one that is damaged.
 */
const MARK = Buffer.from([0xff, 0x50, 0x53, 0x01]);
const HEAD_BYTES = MARK.length + 4 + 4;

/** Where something lies in a segment, in bytes. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** Frames one payload. */
export function toRecord(payload: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  MARK.copy(head);
  head.writeUInt32BE(payload.length, MARK.length);
  head.writeUInt32BE(checksum(head, payload), MARK.length + 4);
  return Buffer.concat([head, payload]);
}

/**
 * Every whole record of a segment, in order, and what lies between them. A
 * record that a crash cut short is damage at the end: it was never synced, so
 * nobody was told that it was kept.
 */
export function readRecords(segment: Buffer): {
  readonly records: readonly (Stretch & { readonly payload: Buffer })[];
  /** What is no record, to be looked at by somebody. */
  readonly damage: readonly Stretch[];
} {
  const records: (Stretch & { readonly payload: Buffer })[] = [];
  const damage: Stretch[] = [];
  let at = 0;
  let sound = 0;
  while (at < segment.length) {
    const payload = recordAt(segment, at);
    if (payload === null) {
      const next = segment.indexOf(MARK, at + 1);
      at = next === -1 ? segment.length : next;
      continue;
    }
    if (at > sound) damage.push({ from: sound, to: at });
    sound = at + HEAD_BYTES + payload.length;
    records.push({ from: at, to: sound, payload });
    at = sound;
  }
  if (at > sound) damage.push({ from: sound, to: at });
  return { records, damage };
}

function recordAt(segment: Buffer, at: number): Buffer | null {
  const from = at + HEAD_BYTES;
  if (from > segment.length || segment.compare(MARK, 0, MARK.length, at, at + MARK.length) !== 0) return null;
  const to = from + segment.readUInt32BE(at + MARK.length);
  if (to > segment.length) return null;
  const payload = segment.subarray(from, to);
  return segment.readUInt32BE(at + MARK.length + 4) === checksum(segment.subarray(at, from), payload) ? payload : null;
}

function checksum(head: Buffer, payload: Buffer): number {
  return crc32(payload, crc32(head.subarray(MARK.length, MARK.length + 4)));
}
