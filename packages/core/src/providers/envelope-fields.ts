import * as z from 'zod';

/** An id or a type: printable ASCII without spaces. */
export const identifier = z.string().regex(/^[\x21-\x7e]{1,255}$/);

const zonedTime = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

/** A time with its zone; null where the envelope has none. */
export const statedTime = zonedTime.nullable().default(null);

/** The same where a time of another form is no time: for what only describes the event. */
export const statedTimeIfReadable = zonedTime.nullable().catch(null);
