import { eventFilterSchema, timeFrom, type EventFilter } from '@penstock/core/replay';

/** Fields of a filter's form: as in the address, so that a filter can be sent to a colleague. */
export const filterFields = [
  { name: 'type', member: 'types', label: 'Type', hint: 'charge.*' },
  { name: 'endpoint', member: 'endpoints', label: 'Endpoint', hint: 'stripe' },
  { name: 'provider', member: 'providers', label: 'Provider', hint: 'stripe' },
  { name: 'account', member: 'accounts', label: 'Account', hint: 'acme' },
  { name: 'fingerprint', member: 'fingerprints', label: 'Cause (fingerprint)', hint: '16 characters' },
  { name: 'code', member: 'codes', label: 'Failure code', hint: 'handler_timeout' },
  { name: 'payment', member: 'payments', label: 'Payment', hint: 'any id of it' },
  { name: 'event', member: 'events', label: 'Event', hint: 'evt_…' },
  { name: 'from', member: 'from', label: 'Received from', hint: '2026-03-01T12:00Z or 7d' },
  { name: 'to', member: 'to', label: 'Received before', hint: '2026-03-02T12:00Z or 1h' },
] as const;

/** Reads a filter from an address or a form; `problem` says which field cannot be meant. */
export function readFilter(
  fields: URLSearchParams,
  now: Date,
): { readonly filter: EventFilter } | { readonly problem: string } {
  const given: Record<string, unknown> = {};
  for (const { name, member } of filterFields) {
    const values = fields.getAll(name).flatMap((value) => (value.trim() === '' ? [] : [value.trim()]));
    const [first] = values;
    if (first === undefined) continue;
    if (member !== 'from' && member !== 'to') given[member] = values;
    else {
      const time = timeFrom(first, now);
      if (time === null)
        return { problem: `${name} must be a time such as 2026-03-01T12:00Z, or so long ago: 7d, 12h, 30m.` };
      given[member] = time;
    }
  }
  const states = fields.getAll('state').filter((state) => state !== '');
  const parsed = eventFilterSchema.safeParse(states.length === 0 ? given : { ...given, states });
  if (parsed.success) return { filter: parsed.data };
  const [issue] = parsed.error.issues;
  return { problem: `${String(issue?.path[0] ?? 'The filter')}: ${issue?.message ?? 'cannot be read'}.` };
}
