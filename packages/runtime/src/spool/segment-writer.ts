import { open, type FileHandle } from 'node:fs/promises';
import path from 'node:path';

/** What the writer needs of a file; tests give one that runs out of space. */
export type OpenFile = (file: string) => Promise<Pick<FileHandle, 'appendFile' | 'datasync' | 'truncate' | 'close'>>;

/** A drain reads a segment whole, and gives its space back whole. */
const SEGMENT_BYTES = 8 * 1024 * 1024;

/** Told when a segment will not be written to any more. */
type OnSealed = (file: string) => void;

/** Appends records to one segment after the other. */
export interface SegmentWriter {
  /**
   * Resolves once the bytes are on disk, having called `onWritten` before their
   * segment could be sealed. Of a write that fails nothing was promised to anybody.
   */
  readonly write: (bytes: Buffer, onWritten: () => void) => Promise<void>;
  /** Ends the segment that is being written, so that it can be drained. */
  readonly seal: () => Promise<void>;
}

interface Segment {
  readonly file: string;
  readonly handle: Awaited<ReturnType<OpenFile>>;
  bytes: number;
}

interface Waiting {
  readonly bytes: Buffer;
  readonly written: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Makes a writer of segments numbered from `next`. Writes that come while one
 * is being synced go together in the next: one sync serves them all.
 */
export function createSegmentWriter(options: {
  readonly dir: string;
  readonly next: number;
  readonly openFile?: OpenFile;
  readonly onSealed: OnSealed;
}): SegmentWriter {
  const { dir, openFile = openSegment, onSealed } = options;
  let next = options.next;
  let segment: Segment | null = null;
  let waiting: Waiting[] = [];
  // One thing at a time: a batch written and synced, or a segment sealed.
  let turn: Promise<void> = Promise.resolve();

  const seal = async (): Promise<void> => {
    if (segment === null) return;
    const { handle, file } = segment;
    segment = null;
    await handle.close().catch(() => undefined);
    onSealed(file);
  };
  const writeWaiting = async (): Promise<void> => {
    const together = waiting;
    waiting = [];
    try {
      await writeTogether(Buffer.concat(together.map(({ bytes }) => bytes)));
    } catch (error) {
      for (const { failed } of together) failed(error);
      return;
    }
    for (const { written } of together) written();
    if (segment !== null && segment.bytes >= SEGMENT_BYTES) await seal();
  };
  const writeTogether = async (bytes: Buffer): Promise<void> => {
    segment ??= await newSegment(path.join(dir, segmentName(next++)), openFile);
    const { handle } = segment;
    try {
      await handle.appendFile(bytes);
      await handle.datasync();
    } catch (error) {
      // Nobody is told that these bytes are kept. After a failed sync no byte of this file can be trusted to be written
      // later, so the next write goes elsewhere.
      await handle.truncate(segment.bytes).catch(() => undefined);
      await seal();
      throw error;
    }
    segment.bytes += bytes.length;
  };
  return {
    write: (bytes, onWritten) =>
      new Promise((resolve, reject) => {
        const written = (): void => {
          onWritten();
          resolve();
        };
        waiting.push({ bytes, written, failed: reject });
        if (waiting.length === 1) turn = turn.then(writeWaiting);
      }),
    seal: () => (turn = turn.then(seal)),
  };
}

async function newSegment(file: string, openFile: OpenFile): Promise<Segment> {
  const handle = await openFile(file);
  await syncFolder(path.dirname(file));
  return { file, handle, bytes: 0 };
}

/** `00000012.spool`: names sort as the segments were made. */
function segmentName(number: number): string {
  return `${String(number).padStart(8, '0')}.spool`;
}

function openSegment(file: string): ReturnType<OpenFile> {
  // Owner only: bodies are personal data. Exclusive: a number is used once.
  return open(file, 'ax', 0o600);
}

/** A file is there after a power failure only once its folder's entry is on disk too. */
export async function syncFolder(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
