import { z } from 'zod';

const valueSchema = z.union([z.string(), z.null(), z.strictObject({ hex: z.string() })]);
/** A parameter as it was sent: text, null, or bytes. */
export type Value = z.infer<typeof valueSchema>;

const keySchema = z.tuple([z.int().nonnegative(), z.string(), z.string()]);
export type Key = z.infer<typeof keySchema>;

/**
 * The keys of a recording are like no other number in it: where one stands in a
 * parameter, alone, in an array or in a document, it is known again.
 */
export const keysFrom = 1_100_000_000;
export const keyPattern = /\b1[1-3]\d{8}\b/g;

/** A statement as it was asked, and what came of it. */
export interface Statement {
  readonly sql: string;
  readonly values: readonly Value[];
  /** How many rows it returned or changed; null where that is not the same each time, with the time of day or with who comes first. */
  readonly rows: number | null;
  /** What the columns are called by whose names its answer is read. */
  readonly columns: readonly string[];
  /** The keys that it made, each by the row and the column of the answer: another database makes others. */
  readonly keys: readonly Key[];
}

/** A transaction, or a statement outside of any, of one session. */
export interface Unit {
  /** The session's application name. */
  readonly session: string;
  /** How long its statements may take. */
  readonly statementMs: number;
  readonly statements: readonly Statement[];
}

/** What a version's processes asked of the ledger while they did everything they do, on a database that was empty before. */
export interface Recording {
  /** The newest migration that the version brings. */
  readonly newest: string;
  readonly begunAt: Date;
  /** In the order in which they were committed. */
  readonly units: readonly Unit[];
}

/** Texts and sessions come again and again, and are named by their place in their list. */
const recordingSchema = z.strictObject({
  newest: z.string().regex(/^\d{4}_\w+$/),
  begunAt: z.iso.datetime(),
  sessions: z.array(z.strictObject({ session: z.string(), statementMs: z.int().nonnegative() })),
  texts: z.array(z.strictObject({ sql: z.string(), columns: z.array(z.string()) })),
  units: z.array(
    z.tuple([z.int(), z.array(z.tuple([z.int(), z.int().nullable(), z.array(valueSchema), z.array(keySchema)]))]),
  ),
});

/** Reads what writeRecording wrote. Throws where it is something else. */
export function readRecording(text: string): Recording {
  const { newest, begunAt, sessions, texts, units } = recordingSchema.parse(JSON.parse(text));
  return {
    newest,
    begunAt: new Date(begunAt),
    units: units.map(([session, statements]) => ({
      ...at(sessions, session),
      statements: statements.map(([place, rows, values, keys]) => ({ ...at(texts, place), rows, values, keys })),
    })),
  };
}

/** Renders a recording so that a change of one transaction is a change of one line. */
export function writeRecording({ newest, begunAt, units }: Recording): string {
  const sessions = places<{ readonly session: string; readonly statementMs: number }>();
  const texts = places<{ readonly sql: string; readonly columns: readonly string[] }>();
  const lines = units.map(({ session, statementMs, statements }) => [
    sessions.of({ session, statementMs }),
    statements.map(({ sql, columns, rows, values, keys }) => [texts.of({ sql, columns }), rows, values, keys]),
  ]);
  const list = (entries: readonly unknown[]): string =>
    `[\n${entries.map((entry) => JSON.stringify(entry)).join(',\n')}\n]`;
  return `{
"newest": ${JSON.stringify(newest)},
"begunAt": ${JSON.stringify(begunAt)},
"sessions": ${list(sessions.all())},
"texts": ${list(texts.all())},
"units": ${list(lines)}
}
`;
}

function places<Entry>(): { readonly of: (entry: Entry) => number; readonly all: () => readonly Entry[] } {
  const known = new Map<string, { readonly place: number; readonly entry: Entry }>();
  return {
    of: (entry) => {
      const key = JSON.stringify(entry);
      const found = known.get(key) ?? { place: known.size, entry };
      known.set(key, found);
      return found.place;
    },
    all: () => [...known.values()].map(({ entry }) => entry),
  };
}

function at<Entry>(list: readonly Entry[], place: number): Entry {
  const entry = list[place];
  if (entry === undefined) throw new RangeError(`the recording names entry ${place} of ${list.length}`);
  return entry;
}
