import type { Judgement } from './judge.ts';
import type { Provider } from './provider.ts';
import type { FaultKind } from './schedule.ts';

/** One fault as it came to pass. Times are milliseconds since the load began. */
export interface FaultRecord {
  readonly number: number;
  readonly kind: FaultKind;
  readonly atMs: number;
  readonly lastsMs: number;
  /** Null where the system was not well again in time. */
  readonly recoveryMs: number | null;
  /** Why the fault could not be begun or ended, where it could not. */
  readonly problem?: string;
}

/** What a run prints. */
export interface Report {
  readonly seed: number;
  readonly backend: string;
  readonly rate: number;
  readonly startedAt: string;
  readonly seconds: number;
  readonly events: {
    readonly sent: number;
    readonly acknowledged: number;
    readonly deliveries: number;
    readonly refused: number;
    readonly unanswered: number;
  };
  readonly faults: {
    readonly total: number;
    readonly byKind: Readonly<Record<string, Recovery & { readonly count: number }>>;
    readonly list: readonly FaultRecord[];
  };
  readonly recovery: Recovery;
  readonly lost: readonly string[];
  readonly duplicated: readonly string[];
  readonly wrong: readonly string[];
  readonly verdict: 'kept' | 'broken';
}

/** Milliseconds; null where nothing was measured. */
interface Recovery {
  readonly p50: number | null;
  readonly p95: number | null;
  readonly most: number | null;
}

export function summarize(run: {
  readonly seed: number;
  readonly backend: string;
  readonly rate: number;
  readonly startedAt: Date;
  readonly seconds: number;
  readonly provider: Pick<Provider, 'sent' | 'counts'>;
  readonly records: readonly FaultRecord[];
  readonly judgement: Judgement;
}): Report {
  const { records, judgement } = run;
  const kinds = [...new Set(records.map(({ kind }) => kind))].toSorted();
  const unrecovered = records
    .filter(({ recoveryMs }) => recoveryMs === null)
    .map(
      ({ number, kind, problem }) =>
        `fault ${number} (${kind}): ${problem ?? 'nothing sent after it was processed in time'}`,
    );
  const wrong = [...judgement.wrong, ...unrecovered];
  return {
    seed: run.seed,
    backend: run.backend,
    rate: run.rate,
    startedAt: run.startedAt.toISOString(),
    seconds: Math.round(run.seconds),
    events: { sent: run.provider.sent.size, ...run.provider.counts() },
    faults: {
      total: records.length,
      byKind: Object.fromEntries(
        kinds.map((kind) => {
          const ofKind = records.filter((record) => record.kind === kind);
          return [kind, { count: ofKind.length, ...recoveryOf(ofKind) }];
        }),
      ),
      list: records,
    },
    recovery: recoveryOf(records),
    lost: judgement.lost,
    duplicated: judgement.duplicated,
    wrong,
    verdict: judgement.lost.length + judgement.duplicated.length + wrong.length === 0 ? 'kept' : 'broken',
  };
}

function recoveryOf(records: readonly FaultRecord[]): Recovery {
  const times = records.flatMap(({ recoveryMs }) => recoveryMs ?? []).toSorted((a, b) => a - b);
  const at = (share: number): number | null =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? null;
  return { p50: at(0.5), p95: at(0.95), most: times.at(-1) ?? null };
}
