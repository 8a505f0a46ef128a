/** A file, and which of its lines are not as they were, counted from 1. */
export interface ChangedFile {
  readonly name: string;
  readonly lineCount: number;
  readonly changed: ReadonlySet<number>;
}

/** What of the changed files is mutated. */
export interface Choice {
  /** As Stryker takes them: files, or lines of one as `file.ts:3-14`. */
  readonly mutate: readonly string[];
  readonly lines: number;
  /** Lines of these files that are not mutated, and how many of them have changed. */
  readonly leftOut: { readonly lines: number; readonly changed: number };
}

/** So long that most statements are whole in a piece: a mutant that reaches beyond its lines is not made. */
const PIECE_LINES = 12;

/**
 * Chooses at most `linesMax` lines: all of the files; else what has changed with as much around it as fits, the same
 * everywhere; else, of what has changed, pieces at equal distances. The same changes are always answered with the same choice.
 */
export function chooseLines(files: readonly ChangedFile[], linesMax: number): Choice {
  const all = files.flatMap(linesOf);
  const changed = all.filter(({ fromChange }) => fromChange === 0);
  const chosen = changed.length <= linesMax ? grown(all, linesMax) : spread(changed, linesMax);
  return {
    mutate: files.flatMap((file) => rangesOf(file, chosen)),
    lines: chosen.length,
    leftOut: {
      lines: all.length - chosen.length,
      changed: changed.length - chosen.filter(({ fromChange }) => fromChange === 0).length,
    },
  };
}

/** Reads `git diff --unified=0`. Where lines are only taken away, the two that have come together have changed. */
export function readChangedLines(diff: string): ReadonlyMap<string, ReadonlySet<number>> {
  const files = new Map<string, Set<number>>();
  let current = new Set<number>();
  for (const line of diff.split('\n')) {
    const name = /^\+\+\+ b\/(?<name>.+)$/.exec(line)?.groups?.['name'];
    if (name !== undefined) files.set(name, (current = new Set()));
    const hunk = /^@@ -\S+ \+(?<first>\d+)(?:,(?<count>\d+))? @@/.exec(line)?.groups;
    const first = Number(hunk?.['first']);
    const added = Number(hunk?.['count'] ?? 1);
    for (let at = first; at < first + (added === 0 ? 2 : added); at += 1) current.add(at);
  }
  return files;
}

interface Line {
  readonly name: string;
  readonly number: number;
  /** Lines to the nearest that has changed; itself is 0 away. */
  readonly fromChange: number;
}

function linesOf({ name, lineCount, changed }: ChangedFile): readonly Line[] {
  return Array.from({ length: lineCount }, (_, index) => {
    const number = index + 1;
    const fromChange = Math.min(...[...changed].map((one) => Math.abs(one - number)));
    return { name, number, fromChange };
  });
}

function grown(lines: readonly Line[], linesMax: number): readonly Line[] {
  let chosen: readonly Line[] = [];
  for (let around = 0; around <= linesMax; around += 1) {
    const more = lines.filter(({ fromChange }) => fromChange <= around);
    if (more.length > linesMax) break;
    chosen = more;
  }
  return chosen;
}

function spread(lines: readonly Line[], linesMax: number): readonly Line[] {
  const pieces = Math.ceil(lines.length / PIECE_LINES);
  const taken = Math.floor(linesMax / PIECE_LINES);
  const places = new Set(Array.from({ length: taken }, (_, place) => Math.floor((place * pieces) / taken)));
  return lines.filter((_, index) => places.has(Math.floor(index / PIECE_LINES)));
}

function rangesOf({ name, lineCount }: ChangedFile, chosen: readonly Line[]): readonly string[] {
  const ranges: { first: number; last: number }[] = [];
  for (const { number } of chosen.filter((line) => line.name === name)) {
    const open = ranges.at(-1);
    if (open !== undefined && open.last === number - 1) open.last = number;
    else ranges.push({ first: number, last: number });
  }
  return ranges.map(({ first, last }) => (last - first + 1 === lineCount ? name : `${name}:${first}-${last}`));
}
