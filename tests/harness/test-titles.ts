import { parseAst } from 'vitest/node';

/** What may stand between `test` and its title without keeping it from being run. */
const harmless: ReadonlySet<string> = new Set(['each', 'for', 'concurrent', 'sequential', 'runIf']);

/**
 * The titles of the tests and of the groups of tests that a source declares and
 * that are run: not of those that are skipped, left for later or focused, nor of
 * what stands in them, nor of what is only written about in a comment or a text.
 */
export function titlesIn(source: string): ReadonlySet<string> {
  const titles = new Set<string>();
  const visit = (node: unknown): void => {
    if (Array.isArray(node)) return void node.forEach(visit);
    if (typeof node !== 'object' || node === null) return;
    const fields = new Map<string, unknown>(Object.entries(node));
    const modifiers = fields.get('type') === 'CallExpression' ? modifiersOf(fields.get('callee')) : null;
    if (modifiers !== null) {
      const [title, ...rest] = listOf(fields.get('arguments'));
      if (modifiers.some((modifier) => !harmless.has(modifier)) || rest.some(isSwitchedOff)) return;
      const text = textOf(title);
      if (text !== null) titles.add(text);
    }
    for (const value of fields.values()) visit(value);
  };
  visit(parseAst(source, { lang: 'ts' }));
  return titles;
}

/** Of `test.each(…)(…)`: each. Null for what declares no test. */
function modifiersOf(callee: unknown): readonly string[] | null {
  if (typeof callee !== 'object' || callee === null) return null;
  const fields = new Map<string, unknown>(Object.entries(callee));
  switch (fields.get('type')) {
    case 'Identifier':
      return /^(test|it|describe)$/.test(String(fields.get('name'))) ? [] : null;
    case 'CallExpression':
      return modifiersOf(fields.get('callee'));
    case 'TaggedTemplateExpression':
      return modifiersOf(fields.get('tag'));
    case 'MemberExpression': {
      const before = modifiersOf(fields.get('object'));
      return before === null ? null : [...before, nameOf(fields.get('property'))];
    }
    default:
      return null;
  }
}

/** `{ skip: true }` among the options of a test. */
function isSwitchedOff(argument: unknown): boolean {
  return listOf(fieldOf(argument, 'properties')).some((property) =>
    /^(skip|todo|only|fails)$/.test(nameOf(fieldOf(property, 'key'))),
  );
}

function textOf(node: unknown): string | null {
  const value = fieldOf(node, 'type') === 'Literal' ? fieldOf(node, 'value') : null;
  return typeof value === 'string' ? value : null;
}

function nameOf(node: unknown): string {
  return String(fieldOf(node, 'name') ?? '');
}

function fieldOf(node: unknown, name: string): unknown {
  return typeof node === 'object' && node !== null
    ? new Map<string, unknown>(Object.entries(node)).get(name)
    : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
