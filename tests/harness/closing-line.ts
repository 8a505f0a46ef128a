import type { Reporter, Vitest } from 'vitest/node';

/** What a run came to. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

/**
 * Prints `N passed, N failed` as the very last line of a run, for machines
 * and for the eye. It is written when the process exits, after every other
 * reporter and after the global tear-down, so that what fails there counts.
 */
export class ClosingLine implements Reporter {
  onInit(vitest: Vitest): void {
    process.once('exit', (code) => {
      const totals = settle(count(vitest), code);
      if (totals.failed > 0 && code === 0) process.exitCode = 1;
      process.stdout.write(`${closingLine(totals)}\n`);
    });
  }
}

/** Writes the line. */
export function closingLine({ passed, failed, skipped }: Totals): string {
  const line = `${passed} passed, ${failed} failed`;
  return skipped === 0 ? line : `${line}, ${skipped} skipped`;
}

/** A run without a test proves nothing, and an exit code that says failure is one even where no test is to blame. */
export function settle(totals: Totals, exitCode: number): Totals {
  const ranNothing = totals.passed + totals.failed === 0;
  const failedElsewhere = exitCode !== 0 && totals.failed === 0;
  return ranNothing || failedElsewhere ? { ...totals, failed: totals.failed + 1 } : totals;
}

function count(vitest: Vitest): Totals {
  let passed = 0;
  let failed = vitest.state.getUnhandledErrors().length;
  let skipped = 0;
  for (const module of vitest.state.getTestModules()) {
    // A file that does not load, or a hook around a whole suite that throws, fails no test of its own.
    for (const suite of [module, ...module.children.allSuites()]) {
      if (suite.errors().length > 0) failed += 1;
    }
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') passed += 1;
      else if (state === 'failed') failed += 1;
      else if (state === 'skipped') skipped += 1;
    }
  }
  return { passed, failed, skipped };
}
