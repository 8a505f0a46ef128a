import { styleText } from 'node:util';
import Table from 'cli-table3';

interface Finding {
  readonly where: string;
  readonly what: string;
  readonly seen: string;
  readonly ok: boolean;
}

/** What a proof has seen, one line each, as a table; exit code 1 where one is not as it must be. */
export function collectFindings() {
  const findings: Finding[] = [];
  return {
    tell: (where: string, what: string, seen: string | number, ok: boolean): void =>
      void findings.push({ where, what, seen: String(seen), ok }),
    report: (): void => {
      const table = new Table({ head: ['where', 'what', 'seen', ''], style: { head: [], border: [] } });
      const mark = (ok: boolean) => styleText(ok ? 'green' : 'red', ok ? '✓' : '✗ no', { stream: process.stdout });
      for (const { where, what, seen, ok } of findings) table.push([where, what, seen, mark(ok)]);
      process.stdout.write(`${table.toString()}\n`);
      if (findings.some(({ ok }) => !ok)) process.exitCode = 1;
    },
  };
}
