/** 99.9 % of genuine events are processed within 30 s of their receipt. */
export const PROCESSED_OBJECTIVE = { share: 0.999, withinMs: 30_000 } as const;

/** 99.9 % of genuine requests are answered 2xx within 250 ms. */
export const ANSWERED_OBJECTIVE = { share: 0.999, withinMs: 250 } as const;

/** How events of one provider and type fared, as the ledger counts them. */
interface Counted {
  readonly provider: string;
  readonly type: string;
  readonly events: number;
  readonly late: number;
}

/** A minute in which late events were received. */
interface LateMinute {
  readonly minute: Date;
  readonly late: number;
  readonly providers: readonly string[];
  readonly mostSeconds: number;
}

/** Late events one after the other. */
export interface Incident {
  readonly from: Date;
  readonly to: Date;
  readonly late: number;
  readonly providers: readonly string[];
  readonly mostSeconds: number;
}

/** How much of what may go wrong has gone wrong. */
export interface Budget {
  readonly events: number;
  readonly late: number;
  /** From 0 to 1; 1 where there was no event. */
  readonly share: number;
  /** How many may be late. */
  readonly allowed: number;
  /** What is left of it, from 1 (nothing was late) down; below 0 the objective is missed. */
  readonly left: number;
}

/** Late minutes with a longer pause between them are two incidents. */
const PAUSE_MS = 5 * 60_000;

/** What is shown of them. */
const INCIDENTS_MAX = 10;

/** The error budget over all that was counted. */
export function budgetOf(rows: readonly Counted[]): Budget {
  const events = rows.reduce((sum, row) => sum + row.events, 0);
  const late = rows.reduce((sum, row) => sum + row.late, 0);
  const allowed = events * (1 - PROCESSED_OBJECTIVE.share);
  return {
    events,
    late,
    share: events === 0 ? 1 : 1 - late / events,
    allowed,
    left: late === 0 ? 1 : allowed === 0 ? Number.NEGATIVE_INFINITY : 1 - late / allowed,
  };
}

/** The worst stretches, those with the most late events first. */
export function worstIncidents(minutes: readonly LateMinute[]): readonly Incident[] {
  const incidents: Incident[] = [];
  for (const { minute, late, providers, mostSeconds } of minutes) {
    const last = incidents.at(-1);
    const to = new Date(minute.getTime() + 60_000);
    if (last === undefined || minute.getTime() - last.to.getTime() > PAUSE_MS)
      incidents.push({ from: minute, to, late, providers, mostSeconds });
    else
      incidents[incidents.length - 1] = {
        from: last.from,
        to,
        late: last.late + late,
        providers: [...new Set([...last.providers, ...providers])].sort(),
        mostSeconds: Math.max(last.mostSeconds, mostSeconds),
      };
  }
  return incidents.toSorted((one, other) => other.late - one.late).slice(0, INCIDENTS_MAX);
}
