import { fieldKind, isKept } from './personal-fields.ts';
import { maskText, tokenFor } from './mask-text.ts';

/** A structure that goes deeper is cut off: it is no event of any provider. */
const DEPTH_MAX = 24;

const HIDDEN = '[masked]';

/**
 * What never reaches a log, wherever a caller may have put it. Signatures are
 * among them: with PayPal's headers of one delivery, bodies can be forged
 * (reference in docs/decisions/0004-paypal-trust.md).
 */
const secretFields: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'set-cookie',
  'password',
  'secret',
  'secrets',
  'clientSecret',
  'databaseUrl',
  'redisUrl',
  'stripe-signature',
  'paypal-transmission-sig',
  'req',
  'body',
  'payload',
]);

const asItIs = (text: string): string => text;

/**
 * A copy of a structure without what its fields' names say is secret or
 * personal. Of an error it keeps name, message, code and stack: a driver's error
 * carries the row it failed at. Objects of other classes are left as they are.
 * Texts are not searched: that is done once, for the line that the copy ends in.
 */
export function maskFields(value: unknown): unknown {
  return walk(value, { depth: 0, within: false, text: asItIs, hidden: secretFields });
}

const none: ReadonlySet<string> = new Set();

/**
 * A payload as people may see it: parsed where it is JSON, without what its
 * fields' names say is personal and without what its texts and numbers show.
 */
export function maskPayload(text: string): unknown {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return maskText(text);
  }
  return walk(parsed, { depth: 0, within: false, text: maskText, hidden: none });
}

interface Walk {
  readonly depth: number;
  /** Inside an object that is about a person. */
  readonly within: boolean;
  /** What is done to a text, and to a number as text, that no name gives away. */
  readonly text: (text: string) => string;
  /** Names of what is left out whatever it holds. */
  readonly hidden: ReadonlySet<string>;
}

function walk(value: unknown, at: Walk): unknown {
  if (typeof value === 'string') return at.text(value);
  if (typeof value === 'number' || typeof value === 'bigint') {
    if (at.text === asItIs) return value;
    const masked = at.text(String(value));
    return masked === String(value) ? value : masked;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (at.depth >= DEPTH_MAX) return '[too deep]';
  if (value instanceof Error) return tellError(value, at.text);
  const deeper = { depth: at.depth + 1, within: at.within, text: at.text, hidden: at.hidden };
  if (Array.isArray(value))
    return value.map((item: unknown) => (at.within ? hide('', item, deeper) : walk(item, deeper)));
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return value;
  const shown: Record<string, unknown> = {};
  for (const [name, member] of Object.entries(value)) {
    const told = at.hidden.has(name) ? REDACTED : walkMember(name, member, deeper);
    // As a field of its own even where it is called `__proto__`, which an assignment would take for the prototype.
    if (name === '__proto__') Object.defineProperty(shown, name, { value: told, enumerable: true });
    else shown[at.text(name)] = told;
  }
  return shown;
}

const REDACTED = '[redacted]';

function walkMember(name: string, member: unknown, at: Walk): unknown {
  const { isPersonal, isAboutPerson } = fieldKind(name);
  if (typeof member === 'object' && member !== null)
    return walk(member, at.within || !(isAboutPerson || isPersonal) ? at : { ...at, within: true });
  if (isPersonal || (at.within && !isKept(name))) return hide(name, member, at);
  return walk(member, at);
}

/** A token where support could ask for the person by it; nothing of anything else. Yes, no and null tell nothing. */
function hide(name: string, value: unknown, at: Walk): unknown {
  if (typeof value === 'number' || typeof value === 'bigint') return HIDDEN;
  if (typeof value !== 'string') return walk(value, at);
  if (value === '') return value;
  const masked = maskText(value);
  if (/^(?:email|phone):[0-9a-f]{12}$/.test(masked)) return masked;
  return /phone|mobile|contact/i.test(name) && /^\d[\d ().-]{6,18}$/.test(value) ? tokenFor('phone', value) : HIDDEN;
}

/** With its causes, as far as they go: what went wrong is often said there alone. */
function tellError(error: Error, text: Walk['text'], depth = 0): Record<string, unknown> {
  const { name, message, stack, cause } = error;
  return {
    type: String(name),
    message: text(String(message)),
    ...('code' in error && typeof error.code === 'string' ? { code: error.code } : {}),
    stack: text(String(stack)),
    ...(cause instanceof Error && depth < CAUSES_MAX ? { cause: tellError(cause, text, depth + 1) } : {}),
  };
}

/** An error may be its own cause. */
const CAUSES_MAX = 5;
