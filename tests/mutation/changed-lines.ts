import { matchesGlob } from 'node:path';

/** Lines of a file, from 1, both ends included. */
export interface ChangedLines {
  readonly file: string;
  readonly from: number;
  readonly to: number;
}

/** What a diff without context (`git diff -U0`) adds or changes in the files that `patterns` name. */
export function changedLines(diff: string, patterns: readonly string[]): readonly ChangedLines[] {
  const changed: ChangedLines[] = [];
  let file: string | null = null;
  for (const line of diff.split('\n')) {
    const name = /^\+\+\+ b\/(?<name>.+)$/.exec(line)?.groups?.['name'];
    if (name !== undefined) file = patterns.some((pattern) => matchesGlob(name, pattern)) ? name : null;
    const hunk = /^@@ -\S+ \+(?<start>\d+)(?:,(?<count>\d+))? @@/.exec(line)?.groups;
    if (hunk === undefined || file === null) continue;
    const from = Number(hunk['start']);
    const count = Number(hunk['count'] ?? 1);
    if (count > 0) changed.push({ file, from, to: from + count - 1 });
  }
  return changed;
}

/** How many lines there are in all. */
export function countLines(changed: readonly ChangedLines[]): number {
  return changed.reduce((sum, { from, to }) => sum + to - from + 1, 0);
}
