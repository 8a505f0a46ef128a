import { TransientError } from '@penstock/core/failure';
import { PROCESSED_OBJECTIVE, worstIncidents } from '@penstock/core/sla-report';
import type { LedgerDatabase } from '@penstock/db/database';
import { lateMinutes, slaBeside, slaByType } from '@penstock/db/sla';
import { answeredInTime } from '@penstock/runtime/answered-in-time';
import type { Handler } from 'hono';
import type { ConsoleEnv } from './respond.ts';
import { wantsPage } from './request.ts';
import { slaPage, type AnsweredOrWhy } from './sla-page.ts';

/** The longest stretch that is looked at; the index of the ledger by time is read for all of it. */
const DAYS_MAX = 92;

/** Whoever waits for a page waits no longer for a part of it. */
const ASK_MS = 5_000;

interface SlaWorld {
  readonly db: LedgerDatabase;
  readonly now: () => Date;
  readonly prometheusUrl: string | undefined;
}

/** GET /sla?days=30: whether events were processed in time; a page for people, JSON for the rest. */
export function slaRoute({ db, now, prometheusUrl }: SlaWorld): Handler<ConsoleEnv, '/sla'> {
  return async (context) => {
    const asked = Number(context.req.query('days') ?? 30);
    const days = Number.isInteger(asked) && asked >= 1 && asked <= DAYS_MAX ? asked : 30;
    // What was received less than 30 s ago is not due yet.
    const to = new Date(now().getTime() - PROCESSED_OBJECTIVE.withinMs);
    const from = new Date(to.getTime() - days * 86_400_000);
    const range = { from, to, lateMs: PROCESSED_OBJECTIVE.withinMs };
    const rows = await slaByType(db, range);
    const incidents = worstIncidents(await lateMinutes(db, range));
    // The canary's last may be of this moment.
    const beside = await slaBeside(db, { ...range, to: now() });
    const answered = await askPrometheus(prometheusUrl, { to, rangeMs: days * 86_400_000 });
    return wantsPage(context.req.header('accept'))
      ? context.html(slaPage({ days, rows, incidents, beside, answered }))
      : context.json({ from, to, objective: PROCESSED_OBJECTIVE, rows, incidents, answered, ...beside });
  };
}

/** A page without the answers is better than none. */
async function askPrometheus(
  url: string | undefined,
  range: { readonly to: Date; readonly rangeMs: number },
): Promise<AnsweredOrWhy> {
  if (url === undefined) return 'unset';
  try {
    return await answeredInTime({ ...range, url, askMs: ASK_MS });
  } catch (error) {
    if (error instanceof TransientError) return 'away';
    throw error;
  }
}
