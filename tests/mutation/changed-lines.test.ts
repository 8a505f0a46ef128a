import { expect, test } from 'vitest';
import { chooseLines, readChangedLines, type ChangedFile } from './changed-lines.ts';

const file = (name: string, lineCount: number, changed: readonly number[]): ChangedFile => ({
  name,
  lineCount,
  changed: new Set(changed),
});
const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

test('files that fit are mutated whole, however little of them has changed', () => {
  expect(chooseLines([file('a.ts', 60, [3]), file('b.ts', 40, [40])], 100)).toEqual({
    mutate: ['a.ts', 'b.ts'],
    lines: 100,
    leftOut: { lines: 0, changed: 0 },
  });
});

test('files that do not fit are mutated where they have changed, with as much around it as fits', () => {
  expect(chooseLines([file('a.ts', 200, [50, 51]), file('b.ts', 200, [1])], 20)).toEqual({
    mutate: ['a.ts:45-56', 'b.ts:1-6'],
    lines: 18,
    leftOut: { lines: 382, changed: 0 },
  });
});

test('changes whose surroundings meet are one range', () => {
  expect(chooseLines([file('a.ts', 200, [50, 56])], 14).mutate).toEqual(['a.ts:47-59']);
});

test('of more changed lines than fit, pieces from the first to the last file are mutated, and the rest is counted', () => {
  const choice = chooseLines([file('a.ts', 240, from(1, 240)), file('b.ts', 240, from(121, 240))], 36);
  expect(choice).toEqual({
    mutate: ['a.ts:1-12', 'a.ts:121-132', 'b.ts:121-132'],
    lines: 36,
    leftOut: { lines: 444, changed: 324 },
  });
});

test('changed lines are read from a diff: added, replaced and, where some were taken away, those beside', () => {
  const diff = `diff --git a/src/a.ts b/src/a.ts
--- a/src/a.ts
+++ b/src/a.ts
@@ -3 +3,2 @@ export function a() {
-  return 1;
+  const one = 1;
+  return one;
@@ -20,4 +22,0 @@ function b() {
-  // @@ -1 +1 @@
@@ -40 +38 @@
-x
+y
diff --git a/src/new.ts b/src/new.ts
--- /dev/null
+++ b/src/new.ts
@@ -0,0 +1,3 @@
+1
+2
+3
`;
  expect(readChangedLines(diff)).toEqual(
    new Map([
      ['src/a.ts', new Set([3, 4, 22, 23, 38])],
      ['src/new.ts', new Set([1, 2, 3])],
    ]),
  );
});
