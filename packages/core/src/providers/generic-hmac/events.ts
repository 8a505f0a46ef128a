import * as z from 'zod';
import { readJsonBody } from '../../json-body.ts';
import { readHeader, type SignedRequest } from '../../signed-request.ts';
import type { EventsReading } from '../../verification.ts';
import type { GenericSettings } from './settings.ts';

type Source = { readonly header: string } | { readonly path: string };

/** Reads id, type and time of an event from where the settings say they are. */
export function readGenericEvents(request: SignedRequest, settings: GenericSettings['event']): EventsReading {
  const reading = readJsonBody(request.body, z.looseObject({}));
  if (reading.kind === 'malformed') return reading;
  const problems: string[] = [];
  const named = (what: string, source: Source): string | null => {
    const found = 'header' in source ? headerOf(request, source.header) : identifierAt(reading.value, source.path);
    if (found === null) problems.push(`${what} at ${'header' in source ? source.header : source.path}`);
    return found;
  };
  const eventId = settings.id === undefined ? null : named('no event id', settings.id);
  const type = settings.type === undefined ? 'unknown' : named('no event type', settings.type);
  const occurredAt = timeAt(reading.value, settings.occurredAt);
  if (occurredAt === 'unreadable') problems.push(`no time at ${settings.occurredAt?.path}`);
  if (problems.length > 0 || type === null || occurredAt === 'unreadable')
    return { kind: 'malformed', reason: `the event is not as the settings say: ${problems.join(', ')}` };
  return {
    kind: 'events',
    events: [{ eventId, type, occurredAt, livemode: null, apiVersion: null, providerAccount: null }],
  };
}

/** The value under a path such as `data.0.id`; undefined where there is none. Inherited properties are none. */
function valueAt(value: unknown, path: string): unknown {
  let current = value;
  for (const key of path.split('.')) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = Object.entries(current).find(([name]) => name === key)?.[1];
  }
  return current;
}

function identifierAt(body: unknown, path: string): string | null {
  const value = valueAt(body, path);
  // A number beyond this was already rounded when the JSON was read.
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  return typeof text === 'string' && isIdentifier(text) ? text : null;
}

function headerOf(request: SignedRequest, name: string): string | null {
  const reading = readHeader(request, name);
  return reading.kind === 'one' && isIdentifier(reading.value) ? reading.value : null;
}

export function isIdentifier(text: string): boolean {
  return /^[\x21-\x7e]{1,255}$/.test(text);
}

/** The time at the path; null where none is named or there, as for an event that says nothing of it. */
function timeAt(body: unknown, source: GenericSettings['event']['occurredAt']): Date | null | 'unreadable' {
  const value = source === undefined ? undefined : valueAt(body, source.path);
  if (source === undefined || value === undefined || value === null) return null;
  if (source.format === 'iso8601') {
    const text = z.iso.datetime({ offset: true }).safeParse(value);
    return text.success ? new Date(text.data) : 'unreadable';
  }
  const number = typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : value;
  if (typeof number !== 'number') return 'unreadable';
  const time = new Date(source.format === 's' ? number * 1000 : number);
  return Number.isNaN(time.getTime()) ? 'unreadable' : time;
}
