import { parseArgs, styleText } from 'node:util';
import { ConfigurationError } from '@penstock/core/failure';
import {
  ANSWERED_OBJECTIVE,
  budgetOf,
  PROCESSED_OBJECTIVE,
  worstIncidents,
  type Incident,
} from '@penstock/core/sla-report';
import { openDatabase } from '@penstock/db/database';
import { assertMigrated } from '@penstock/db/migrate';
import { lateMinutes, slaBeside, slaByType, type SlaBeside, type SlaRow } from '@penstock/db/sla';
import { answeredInTime, type Answered } from '@penstock/runtime/answered-in-time';
import { readSettings } from '@penstock/runtime/env';
import { runCommand } from '@penstock/runtime/lifecycle';
import { databaseSettings, prometheusSettings } from '@penstock/runtime/shared-settings';

const usage = `Usage: pnpm sla report [--since 30d] [--json]

How many genuine events were processed within 30 s of their receipt, by provider
and type, with the worst incidents and what is left of the error budget of
99.9 %. From the ledger's own times. Left out are the canary's events, and those that
a replay ran again after they were finished.

  --since N  minutes, hours or days back: 45m, 12h, 30d   (default 30d, at most 92d)
  --json     for machines
  --help     this text

Needs DATABASE_URL. How many were answered within 250 ms is known to Prometheus
alone: with PROMETHEUS_URL it is asked, without it is not told. Of an endpoint's
requests 5xx are not in time; of a type's events the accepted ones are known.
Exit code 1 where an objective is missed, for all events or at an endpoint.
`;

/** Three months: longer is a question for a warehouse. */
const DAYS_MAX = 92;

/** An operator waits less than Prometheus would. */
const ASK_MS = 20_000;

/** `pnpm sla report`: have we kept our word? */
await runCommand(async () => {
  const { verb, since, json, help } = readArguments();
  if (help || verb !== 'report') {
    (help ? process.stdout : process.stderr).write(usage);
    process.exitCode = help ? 0 : 64;
    return;
  }
  const settings = readSettings({ databaseUrl: databaseSettings.databaseUrl, ...prometheusSettings }, process.env);
  await using db = openDatabase({ url: settings.databaseUrl, poolMax: 2, applicationName: 'penstock-sla' });
  await assertMigrated(db);
  // What was received less than 30 s ago is not due yet.
  const to = new Date(Date.now() - PROCESSED_OBJECTIVE.withinMs);
  const range = { from: new Date(to.getTime() - since), to, lateMs: PROCESSED_OBJECTIVE.withinMs };
  const rows = await slaByType(db, range);
  const incidents = worstIncidents(await lateMinutes(db, range));
  const beside = await slaBeside(db, range);
  const answered =
    settings.prometheusUrl === undefined
      ? null
      : await answeredInTime({ url: settings.prometheusUrl, to, rangeMs: since, askMs: ASK_MS });
  const budget = budgetOf(rows);
  if (json)
    process.stdout.write(
      `${JSON.stringify({ from: range.from, to, objective: PROCESSED_OBJECTIVE, ...budget, rows, incidents, answered, ...beside }, null, 2)}\n`,
    );
  else show({ range, rows, incidents, answered, beside });
  const missed = (answered?.endpoints ?? []).some(({ share }) => share < ANSWERED_OBJECTIVE.share);
  if (budget.left < 0 || missed) process.exitCode = 1;
});

function show(report: {
  readonly range: { readonly from: Date; readonly to: Date };
  readonly rows: readonly SlaRow[];
  readonly incidents: readonly Incident[];
  readonly answered: Answered | null;
  readonly beside: SlaBeside;
}): void {
  const { range, rows, incidents, answered, beside } = report;
  const { events, late, share, left } = budgetOf(rows);
  print(`${minuteOf(range.from)} to ${minuteOf(range.to)}`);
  const kept = left >= 0;
  print(
    styleText(
      kept ? 'green' : 'red',
      `Processed within 30 s: ${percent(share)} of ${events} events, ${late} late; ${percent(left)} of the error budget left`,
    ),
  );
  if (answered === null) print('Answered within 250 ms: not known here; PROMETHEUS_URL is not set');
  else if (answered.endpoints.length === 0) print('Answered within 250 ms: Prometheus has no requests in this time');
  for (const { endpoint, provider, requests, share: inTime } of answered?.endpoints ?? [])
    print(
      `Answered within 250 ms at ${endpoint} (${provider}): ${percent(inTime)} of ${Math.round(requests)} requests`,
    );
  print('');
  print(`${'provider'.padEnd(18)}${'type'.padEnd(40)}   events     late     dead      p50      p95      p99     most`);
  for (const row of rows)
    print(
      `${row.provider.padEnd(18)}${row.type.slice(0, 39).padEnd(40)}${[row.events, row.late, row.dead].map((n) => String(n).padStart(9)).join('')}${[row.p50, row.p95, row.p99, row.most].map((n) => seconds(n).padStart(9)).join('')}`,
    );
  if (answered !== null && answered.types.length > 0) {
    print('');
    print(`${'provider'.padEnd(18)}${'type'.padEnd(40)} accepted   answered within 250 ms`);
    for (const { provider, type, events: accepted, share: inTime } of answered.types)
      print(
        `${provider.padEnd(18)}${type.slice(0, 39).padEnd(40)}${String(Math.round(accepted)).padStart(9)}${percent(inTime).padStart(25)}`,
      );
  }
  print('');
  print(incidents.length === 0 ? 'No incident.' : 'Worst incidents');
  for (const { from, to, late: count, providers, mostSeconds } of incidents)
    print(
      `  ${minuteOf(from)} to ${minuteOf(to)}  ${count} late, ${providers.join(', ')}, up to ${seconds(mostSeconds)}`,
    );
  print('');
  const { replayed, canary } = beside;
  print(`Left out: ${replayed} that were replayed after they were finished, ${canary.sent} of the canary`);
  if (canary.lastReceivedAt !== null)
    print(
      `Canary: ${canary.sent} received, ${canary.late} late, half within ${seconds(canary.p50)}, the last at ${minuteOf(canary.lastReceivedAt)}`,
    );
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function percent(share: number): string {
  return Number.isFinite(share) ? `${(share * 100).toFixed(2)} %` : 'none';
}

function seconds(value: number | null): string {
  return value === null ? '–' : `${value.toFixed(2)} s`;
}

function minuteOf(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      options: {
        since: { type: 'string', default: '30d' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
      allowPositionals: true,
    });
    return { ...values, verb: positionals[0], since: readSince(values.since) };
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    throw new ConfigurationError([error instanceof Error ? error.message : String(error)]);
  }
}

function readSince(text: string): number {
  const [, number = '', unit = ''] = /^(\d{1,6})([mhd])$/.exec(text) ?? [];
  const minutes = Number(number) * (unit === 'd' ? 1_440 : unit === 'h' ? 60 : 1);
  if (number === '' || minutes < 1 || minutes > DAYS_MAX * 1_440)
    throw new ConfigurationError([`--since is minutes, hours or days, up to ${DAYS_MAX}d: 45m, 12h, 30d; not ${text}`]);
  return minutes * 60_000;
}
