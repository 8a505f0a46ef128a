import { mkdir, readdir, unlink } from 'node:fs/promises';
import path from 'node:path';
import type { Delivery } from '@penstock/core/delivery';
import { ConfigurationError, toFailure, TransientError } from '@penstock/core/failure';
import type { QueueStanding } from '@penstock/core/outcome';
import type { PayloadKeys } from '@penstock/core/payload-keys';
import { sealDelivery } from '@penstock/core/sealed-delivery';
import { lockFolder } from './lock.ts';
import { drainSegment, identityOf, readSegment } from './segment.ts';
import { toRecord } from './records.ts';
import { createSegmentWriter, syncFolder, type OpenFile } from './segment-writer.ts';

/** How full a spool is. */
export interface SpoolState {
  readonly bytes: number;
  readonly bytesMax: number;
  /** When the oldest delivery in it was received; null where it is empty. */
  readonly oldestReceivedAt: Date | null;
}

/**
 * A folder that keeps verified deliveries while the queue is away: each is on
 * disk before its provider is told that it was taken, and stays there until the
 * queue has it. At least once: a crash between the two hands one over twice,
 * and the ledger knows it then.
 *
 * Segments lie in it as `00000001.spool`, oldest first; `lock`, which says that
 * one process has it; and `damaged/`, with bytes that could not be read.
 */
export interface Spool extends AsyncDisposable {
  /**
   * Keeps one request's deliveries; resolves once they are on disk. Those that
   * it holds already are not kept twice. Throws TransientError `spool_full`
   * past its bound, and the file system's own error where it cannot write.
   */
  readonly keep: (deliveries: readonly Delivery[]) => Promise<readonly QueueStanding[]>;
  /**
   * Hands what it holds over, oldest first, and lets go of it; returns how many
   * deliveries were taken. Stops where the queue takes nothing of what it is
   * offered, and throws what that said.
   */
  readonly drain: (add: (deliveries: readonly Delivery[]) => Promise<unknown>) => Promise<number>;
  readonly state: () => SpoolState;
}

export interface SpoolOptions {
  readonly dir: string;
  readonly bytesMax: number;
  /** What bodies are sealed with on the disk; without them they are readable there. */
  readonly payloadKeys?: PayloadKeys | undefined;
  /** Told of bytes that were put aside because they are no record. */
  readonly onDamage: (damage: { readonly file: string; readonly bytes: number }) => void;
  readonly openFile?: OpenFile;
}

interface Segment {
  readonly file: string;
  readonly bytes: number;
  readonly oldestReceivedAt: Date | null;
}

/** Opens a spool and finds what an earlier process left in it. Throws ConfigurationError where another process has it. */
export async function openSpool(options: SpoolOptions): Promise<Spool> {
  const { dir, bytesMax, openFile, payloadKeys: keys = null } = options;
  const lock = await takeFolder(dir);
  const { sealed, held } = await readFolder(dir, keys);
  let bytes = sealed.reduce((sum, segment) => sum + segment.bytes, 0);
  /** Of the segment that is being written. */
  let open: Omit<Segment, 'file'> = { bytes: 0, oldestReceivedAt: null };
  const writer = createSegmentWriter({
    dir,
    next: numberOf(sealed.at(-1)?.file) + 1,
    ...(openFile === undefined ? {} : { openFile }),
    onSealed: (file) => {
      sealed.push({ ...open, file });
      open = { bytes: 0, oldestReceivedAt: null };
    },
  });

  const keep: Spool['keep'] = async (deliveries) => {
    const fresh = deliveries.filter((delivery) => !held.has(identityOf(delivery)));
    if (fresh.length > 0) {
      const record = toRecord(Buffer.from(JSON.stringify(fresh.map((delivery) => sealDelivery(delivery, keys)))));
      if (bytes + record.length > bytesMax)
        throw new TransientError('spool_full', `the spool holds ${bytes} of ${bytesMax} bytes`);
      // Counted before it is written: many that come at once must not pass the bound together.
      bytes += record.length;
      try {
        await writer.write(record, () => {
          open = { bytes: open.bytes + record.length, oldestReceivedAt: open.oldestReceivedAt ?? receivedAtOf(fresh) };
        });
      } catch (error) {
        bytes -= record.length;
        throw error;
      }
      for (const delivery of fresh) held.add(identityOf(delivery));
    }
    return deliveries.map((delivery) => (fresh.includes(delivery) ? 'queued' : 'already queued'));
  };

  const drain: Spool['drain'] = async (add) => {
    let taken = 0;
    for (;;) {
      // Not before the rest is drained: an outage would otherwise leave a segment for each attempt.
      if (sealed.length === 0) await writer.seal();
      const [segment] = sealed;
      if (segment === undefined) return taken;
      taken += await drainSegment(segment.file, { add, keepAgain: keep, keys, held, onDamage: options.onDamage });
      await unlink(segment.file);
      await syncFolder(dir);
      sealed.shift();
      bytes -= segment.bytes;
    }
  };

  return {
    keep,
    drain,
    state: () => ({ bytes, bytesMax, oldestReceivedAt: (sealed[0] ?? open).oldestReceivedAt }),
    [Symbol.asyncDispose]: async () => {
      await writer.seal();
      lock[Symbol.dispose]();
    },
  };
}

async function takeFolder(dir: string): Promise<Disposable> {
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    return lockFolder(dir);
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    throw new ConfigurationError([`SPOOL_DIR ${dir} cannot be used: ${toFailure(error).message}`]);
  }
}

/** What an earlier process left. */
async function readFolder(
  dir: string,
  keys: PayloadKeys | null,
): Promise<{ readonly sealed: Segment[]; readonly held: Set<string> }> {
  const sealed: Segment[] = [];
  const held = new Set<string>();
  for (const file of await segmentFiles(dir)) {
    const { bytes, batches } = await readSegment(file, keys);
    for (const delivery of batches.flat()) held.add(identityOf(delivery));
    sealed.push({ file, bytes: bytes.length, oldestReceivedAt: receivedAtOf(batches.flat()) });
  }
  return { sealed, held };
}

async function segmentFiles(dir: string): Promise<readonly string[]> {
  const names = (await readdir(dir)).filter((name) => /^\d{8,}\.spool$/.test(name));
  return names.map((name) => path.join(dir, name)).toSorted((one, other) => numberOf(one) - numberOf(other));
}

function numberOf(file: string | undefined): number {
  return file === undefined ? 0 : Number.parseInt(path.basename(file), 10);
}

function receivedAtOf(deliveries: readonly Delivery[]): Date | null {
  const [first] = deliveries;
  return first === undefined ? null : new Date(first.receivedAt);
}
