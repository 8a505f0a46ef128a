/** One piece of the signed string: text as it stands, or what is put in its place. */
export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'placeholder'; readonly name: Placeholder };

export type Placeholder = (typeof placeholders)[number];

const placeholders = ['timestamp', 'body', 'id'] as const;

/** The parts of `{timestamp}.{body}` and its like; null where a brace belongs to no placeholder. */
export function templateParts(template: string): readonly TemplatePart[] | null {
  const parts = template
    .split(/(\{[^{}]*\})/)
    .filter((text) => text !== '')
    .map((text): TemplatePart | null => {
      const name = placeholders.find((placeholder) => text === `{${placeholder}}`);
      if (name !== undefined) return { kind: 'placeholder', name };
      return /[{}]/.test(text) ? null : { kind: 'text', text };
    });
  return parts.every((part) => part !== null) ? parts : null;
}

/** What is wrong with the parts as a signed string; an empty list where nothing is. */
export function templateProblems(
  parts: readonly TemplatePart[] | null,
  given: { readonly timestamp: boolean; readonly idInHeader: boolean },
): readonly string[] {
  if (parts === null) return ['may hold {timestamp}, {body} and {id}, and no other braces'];
  const times = (name: Placeholder): number =>
    parts.filter((part) => part.kind === 'placeholder' && part.name === name).length;
  const problems: string[] = [];
  if (times('body') !== 1) problems.push('must hold {body} exactly once: what is not signed proves nothing');
  if (given.timestamp && times('timestamp') !== 1)
    problems.push(
      'must hold {timestamp} exactly once where `timestamp` is set: a time that is not signed proves nothing',
    );
  if (!given.timestamp && times('timestamp') > 0)
    problems.push('holds {timestamp}, so `timestamp` must say where it is');
  if (times('id') > 1) problems.push('may hold {id} once');
  if (times('id') > 0 && !given.idInHeader)
    problems.push('holds {id}, so `event.id` must name a header: the body is read only once it is proven');
  // `evt_1` and `7…` sign the same string as `evt_17` and `…`; digits between them part nothing.
  const parting = parts.filter((part) => part.kind === 'placeholder' || /\D/.test(part.text));
  if (parting.some((part, at) => isIdOrTimestamp(part) && isIdOrTimestamp(parting[at + 1])))
    problems.push(
      'must separate {id} and {timestamp} by more than digits: a character could pass from one to the other',
    );
  return problems;
}

function isIdOrTimestamp(part: TemplatePart | undefined): boolean {
  return part?.kind === 'placeholder' && part.name !== 'body';
}
