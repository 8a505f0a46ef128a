import { readFile } from 'node:fs/promises';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * The order of the files: those that may take longest begin, so that none of
 * them is what a run waits for at its end, alone. What a file may take is what
 * its own time limits say; size, which Vitest goes by where it has no earlier
 * run to look at, says nothing about it. Files that share a process come last,
 * together: they are short, and a process is shared only from one to the next.
 */
export class LongestFirst extends BaseSequencer {
  override async sort(specifications: TestSpecification[]): Promise<TestSpecification[]> {
    const known = await super.sort(specifications);
    const ordered = await Promise.all(
      known.map(async (specification) => ({
        specification,
        limitMs: longestLimitMs(await readFile(specification.moduleId, 'utf8')),
      })),
    );
    return ordered.toSorted((a, b) => b.limitMs - a.limitMs).map(({ specification }) => specification);
  }
}

/** The longest time limit that a test file gives one of its tests; 0 where all have the usual one. */
export function longestLimitMs(source: string): number {
  const limits = [...source.matchAll(/(?:\btimeout: |\}, )([\d_]+)/g)].map(([, digits = '']) =>
    Number(digits.replaceAll('_', '')),
  );
  return Math.max(0, ...limits);
}
