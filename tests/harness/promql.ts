import * as z from 'zod';

/** The names that a PromQL expression reads. Functions, keywords, labels and what is quoted are none. */
export function metricNamesIn(expr: string): readonly string[] {
  const bare = expr
    .replace(/"[^"]*"/g, '""')
    .replace(/\{[^}]*\}/g, '')
    .replace(/\[[^\]]*\]/g, '')
    .replace(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, '');
  return [...bare.matchAll(/\b(?:penstock|http|db|nodejs|process)[_:][\w:]*|\bup\b/g)].map(([name]) => name);
}

/** The names of recording rules. */
export function recordsIn(rules: string): readonly string[] {
  return [...rules.matchAll(/^\s*- record: (?<name>\S+)$/gm)].map(({ groups }) => groups?.['name'] ?? '');
}

/** The alerts of a rules file, read by its layout: one key a line, expressions in a block. */
export function alertsIn(
  rules: string,
): readonly { readonly name: string; readonly expr: string; readonly runbook: string }[] {
  return rules
    .split(/^\s*- alert: /m)
    .slice(1)
    .map((text) =>
      z.object({ name: z.string(), expr: z.string(), runbook: z.string() }).parse({
        name: /^\w+/.exec(text)?.[0],
        expr: /expr: \|\n(?<expr>(?: {10}.*\n)+)/.exec(text)?.groups?.['expr'],
        runbook: /runbook: (?<runbook>\S+)/.exec(text)?.groups?.['runbook'],
      }),
    );
}
