import { expect, test } from 'vitest';
import { changedLines, countLines } from './changed-lines.ts';

const patterns = ['packages/core/src/payment.ts', 'packages/core/src/providers/*/verify.ts'];

test('the lines that a diff adds or changes are found, in the files that are asked for alone', () => {
  const diff = `diff --git a/packages/core/src/payment.ts b/packages/core/src/payment.ts
--- a/packages/core/src/payment.ts
+++ b/packages/core/src/payment.ts
@@ -3 +3 @@ head
-old
+new
@@ -10,0 +11,4 @@ added
+1
+2
+3
+4
@@ -20,2 +24,0 @@ taken away
-1
-2
diff --git a/packages/core/src/money.ts b/packages/core/src/money.ts
--- a/packages/core/src/money.ts
+++ b/packages/core/src/money.ts
@@ -1 +1 @@
-a
+b
diff --git a/packages/core/src/providers/x/verify.ts b/packages/core/src/providers/x/verify.ts
--- /dev/null
+++ b/packages/core/src/providers/x/verify.ts
@@ -0,0 +1,2 @@
+a
+b
`;
  const changed = changedLines(diff, patterns);
  expect(changed).toEqual([
    { file: 'packages/core/src/payment.ts', from: 3, to: 3 },
    { file: 'packages/core/src/payment.ts', from: 11, to: 14 },
    { file: 'packages/core/src/providers/x/verify.ts', from: 1, to: 2 },
  ]);
  expect(countLines(changed)).toBe(7);
});

test('no diff, no lines', () => {
  expect(changedLines('', patterns)).toEqual([]);
});
