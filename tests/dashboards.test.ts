import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { boardJson, boards } from '@penstock/grafana/boards';
import { createMetrics } from '@penstock/runtime/metrics';
import { alertsIn, metricNamesIn, recordsIn } from './harness/promql.ts';

const root = path.join(import.meta.dirname, '..');
const read = (file: string): string => readFileSync(path.join(root, file), 'utf8');

const { registry, declared } = createMetrics({ process: 'test', version: '0', environment: 'test' });
const known = new Set([
  ...registry.getMetricsAsArray().map(({ name }) => name),
  ...declared
    .filter(({ kind }) => kind === 'histogram')
    .flatMap(({ name }) => [`${name}_bucket`, `${name}_count`, `${name}_sum`]),
  ...recordsIn(read('deploy/prometheus/rules.yml')),
  // Prometheus' own.
  'up',
]);
const alerts = alertsIn(read('deploy/prometheus/alerts.yml'));

/** Of a dashboard as Grafana reads it, what it would not tell us is wrong. */
const boardSchema = z.object({
  uid: z.string(),
  templating: z.object({ list: z.array(z.object({ name: z.string() })) }),
  panels: z.array(
    z.object({
      id: z.int().positive(),
      title: z.string().min(1),
      gridPos: z.object({ x: z.int(), y: z.int(), w: z.int().positive(), h: z.int().positive() }),
      targets: z.array(z.object({ refId: z.string(), expr: z.string() })).default([]),
    }),
  ),
});

describe('a dashboard', () => {
  test.each(boards)('$title: its file is what the code renders (pnpm docs:metrics writes it)', async (board) => {
    await expect(boardJson(board)).toMatchFileSnapshot(path.join(root, `grafana/dashboards/${board.uid}.json`));
  });

  test.each(boards)(
    '$title: its panels have ids of their own and stand beside each other, and no query names a variable that it lacks',
    (board) => {
      const { uid, templating, panels } = boardSchema.parse(JSON.parse(boardJson(board)));
      // Grafana's own limits: 8 to 40 characters, 24 columns.
      expect(uid).toMatch(/^[A-Za-z0-9_-]{8,40}$/);
      expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
      const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
        Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
      );
      expect(new Set(cells).size).toBe(cells.length);
      expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBeLessThanOrEqual(24);
      const variables = [...templating.list.map(({ name }) => name), '__rate_interval', '__range'];
      for (const { targets, title } of panels) {
        expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length);
        const named = targets.flatMap(({ expr }) => [...expr.matchAll(/\$(\w+)/g)].map((match) => match[1]));
        expect(variables, title).toEqual(expect.arrayContaining(named));
      }
    },
  );

  test('names no metric that the code does not have', () => {
    const queries = boards
      .flatMap(({ rows }) => rows)
      .flatMap(({ panels }) => panels)
      .flatMap((panel) => panel.queries);
    expect(queries.length).toBeGreaterThan(50);
    expect([...new Set(queries.flatMap(({ expr }) => metricNamesIn(expr)))].filter((name) => !known.has(name))).toEqual(
      [],
    );
  });

  test('there is a panel for every metric of ours, or an alert', () => {
    const text = [
      ...boards.map(boardJson),
      read('deploy/prometheus/alerts.yml'),
      read('deploy/prometheus/rules.yml'),
    ].join('\n');
    expect(declared.map(({ name }) => name).filter((name) => !text.includes(name))).toEqual([]);
  });
});

describe('an alert', () => {
  test('names no metric that the code does not have', () => {
    const names = [
      ...alerts.map(({ expr }) => expr),
      read('deploy/prometheus/rules.yml').replace(/^\s*- record:.*$/gm, ''),
    ].flatMap(metricNamesIn);
    const missing = [...new Set(names)].filter((name) => !known.has(name));
    expect(missing).toEqual([]);
  });

  test.each(alerts)(
    '$name has its chapter in the runbook, a case that fires and one that stays silent',
    ({ name, runbook }) => {
      expect(runbook).toBe(`docs/RUNBOOK.md#${name.toLowerCase()}`);
      const chapter =
        read('docs/RUNBOOK.md')
          .split(/^## /m)
          .find((text) => text.startsWith(`${name}\n`)) ?? '';
      for (const part of ['**What it means.**', '**First look.**', '**Remedy.**']) expect(chapter).toContain(part);
      expect(chapter).toContain('`');
      const folder = path.join(root, 'deploy/prometheus/tests');
      const cases = readdirSync(folder)
        .map((file) => readFileSync(path.join(folder, file), 'utf8'))
        .join('\n');
      expect(cases).toContain(`- name: '${name} fires:`);
      expect(cases).toContain(`- name: '${name} stays silent:`);
    },
  );
});

test('docs/METRICS.md tells every metric as it is declared (pnpm docs:metrics writes it)', async () => {
  const lines = declared
    .toSorted((a, b) => a.name.localeCompare(b.name))
    .map(({ name, kind, help, labels, serves }) => {
      const values = Object.entries(labels)
        .map(([label, told]) => `\`${label}\`: ${told}`)
        .join('<br>');
      return `| \`${name}\` | ${kind} | ${help} | ${values} | ${serves} |`;
    });
  const text = `${intro}\n| metric | kind | what it is | labels | serves |\n| --- | --- | --- | --- | --- |\n${lines.join('\n')}\n`;
  await expect(text).toMatchFileSnapshot(path.join(root, 'docs/METRICS.md'));
});

const intro = `# Metrics

Made of the declarations in \`packages/runtime/src/metrics/\` by \`pnpm docs:metrics\`. Every process has them on its private
port (\`HEALTH_PORT\`) under \`/metrics\`: OpenMetrics with exemplars to who accepts it, else the older text. Every series also
has the labels \`process\` and \`environment\` (\`NODE_ENV\`). Beside these there are prom-client's \`process_*\` and \`nodejs_*\`.
Identifiers never become labels, and every label has a bound.
`;
