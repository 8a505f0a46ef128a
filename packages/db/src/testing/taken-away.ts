/** What a statement of a migration does to what an older version asks, where that is no mere adding. */
const takings = [
  ['drops', /^drop (table|view|materialized view|function|procedure|type|domain|schema|sequence)\b/],
  ['empties', /^(truncate|delete)\b/],
  ['renames or moves', /^alter (table|view|function|type|schema|sequence)\b.* (rename|set schema)\b/],
  [
    'drops a column',
    /^alter table\b.* drop (column\b|(?!constraint\b|not null\b|default\b|identity\b|expression\b)(if exists )?\w+( cascade| restrict)?\s*(,|$))/,
  ],
  ['drops a default', /^alter table\b.* alter (column )?\S+ drop (default|identity|expression)\b/],
  ['changes a type', /^alter table\b.* alter (column )?\S+ (set data )?type\b/],
  ['refuses null', /^alter table\b.* alter (column )?\S+ set not null\b/],
  [
    'adds a column that has to be told',
    /^alter table\b.* add (column )?(if not exists )?(?!constraint\b)\S+ (?=[^,]*\bnot null\b)(?![^,]*\b(default|generated)\b)/,
  ],
] as const satisfies readonly (readonly [string, RegExp])[];

/**
 * Which statements of a migration take away what the version before may ask for,
 * each with what it does. A migration that has any must say so by its name
 * (migrations/README.md). Bodies of functions are not looked into: they run later.
 */
export function takenAway(migration: string): readonly string[] {
  return statementsOf(migration).flatMap((statement) =>
    takings.filter(([, pattern]) => pattern.test(statement)).map(([what]) => `${what}: ${statement}`),
  );
}

/** In lower case, on one line each, without comments, texts and the bodies of functions. */
function statementsOf(migration: string): readonly string[] {
  const bodies: string[] = [];
  const bare = migration
    .replaceAll(/--[^\n]*|\/\*[^]*?\*\//g, ' ')
    // What "do" runs, it runs at once.
    .replaceAll(/(?<does>\bdo\s+)?\$(?<tag>\w*)\$(?<body>[^]*?)\$\k<tag>\$/gi, (...found: unknown[]) => {
      const [does, body] = [found[1], found[3]];
      if (typeof does === 'string' && typeof body === 'string')
        bodies.push(body.replaceAll(/\b(begin|then|else|loop)\b/gi, ';'));
      return ' body ';
    })
    .replaceAll(/'(?:[^']|'')*'/g, "''");
  return [bare, ...bodies]
    .flatMap((text) => text.split(';'))
    .map((statement) => statement.replaceAll('"', '').replaceAll(/\s+/g, ' ').trim().toLowerCase())
    .filter((statement) => statement !== '');
}
