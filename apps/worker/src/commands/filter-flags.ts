import { eventFilterSchema, type EventFilter } from '@penstock/core/replay';
import { timeOf, UsageError } from './operator-command.ts';

/** The flags that select events; each may be given several times and then means any of them. */
export const filterFlags = {
  state: { type: 'string', multiple: true },
  endpoint: { type: 'string', multiple: true },
  provider: { type: 'string', multiple: true },
  account: { type: 'string', multiple: true },
  type: { type: 'string', multiple: true },
  fingerprint: { type: 'string', multiple: true },
  code: { type: 'string', multiple: true },
  payment: { type: 'string', multiple: true },
  event: { type: 'string', multiple: true },
  from: { type: 'string' },
  to: { type: 'string' },
} as const;

export const filterHelp = `Which events (together; each may be given several times and then means any):
  --type TYPE           the provider's type; charge.* is all that begin so
  --endpoint, --provider, --account NAME
  --fingerprint, --code FAILURE   of the last failure, see "pnpm dead report"
  --payment ID          any id the payment goes by; of events that were folded
  --event ID            the provider's event id
  --from, --to TIME     when it was received: 2026-03-01T12:00:00Z, or so long
                        ago: 7d, 12h, 30m; --to is not included
  --state STATE         dead (default), discarded, processed, ignored
`;

interface FilterValues {
  readonly state?: string[] | undefined;
  readonly endpoint?: string[] | undefined;
  readonly provider?: string[] | undefined;
  readonly account?: string[] | undefined;
  readonly type?: string[] | undefined;
  readonly fingerprint?: string[] | undefined;
  readonly code?: string[] | undefined;
  readonly payment?: string[] | undefined;
  readonly event?: string[] | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

/** Reads them. Throws UsageError that names the flag. */
export function filterOf(
  values: FilterValues,
  given: { readonly now: Date; readonly states: readonly string[] },
): EventFilter {
  const { from, to } = values;
  const parsed = eventFilterSchema.safeParse({
    states: values.state ?? given.states,
    endpoints: values.endpoint,
    providers: values.provider,
    accounts: values.account,
    types: values.type,
    fingerprints: values.fingerprint,
    codes: values.code,
    payments: values.payment,
    events: values.event,
    from: from === undefined ? undefined : timeOf('from', from, given.now),
    to: to === undefined ? undefined : timeOf('to', to, given.now),
  });
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const flag = String(issue?.path[0] ?? 'filter').replace(/s$/, '');
  throw new UsageError(`--${flag}: ${issue?.message ?? 'cannot be read'}`);
}
