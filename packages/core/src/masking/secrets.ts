/**
 * The secrets that this process was given. Like what makes the tokens
 * (mask-text.ts) they are the process's, not a caller's: any error anywhere may
 * quote one.
 */
const hidden = new Set<string>();

/** A shorter one is a word that may stand anywhere: hiding it would make lines unreadable, and would guard little. */
const CHARACTERS_MIN = 12;

/**
 * Hides a secret in everything that is masked from now on: the whole of it, or
 * of a URL its password alone, as it is written there and as it is meant; of a
 * list each part, of a header its value. A URL without a password is none.
 */
export function hideSecret(value: string): void {
  for (const part of [value, ...value.split(/[\s,]+/)])
    for (const secret of secretsIn(part)) {
      if (secret.length < CHARACTERS_MIN) continue;
      hidden.add(secret);
      // As it stands in a line of JSON, and in JSON that is quoted in one.
      hidden.add(quoted(secret));
      hidden.add(quoted(quoted(secret)));
    }
}

/** A text with `[secret]` in the place of each. */
export function withoutSecrets(text: string): string {
  let shown = text;
  for (const secret of hidden) if (shown.includes(secret)) shown = shown.replaceAll(secret, '[secret]');
  return shown;
}

function secretsIn(part: string): readonly string[] {
  const url = /^[a-z][a-z0-9+.-]*:\/\//i.test(part) ? URL.parse(part) : null;
  if (url !== null) return [url.password, decoded(url.password)];
  // `id:key`, of which the key is secret by itself.
  const [, key] = /^[a-z0-9-]{1,32}:(.+)$/s.exec(part) ?? [];
  if (key !== undefined) return [part, key];
  // `name=value`, a header: its value as it is written there, as it is sent, and the token in `Bearer <token>`.
  const [, value] = /^[\w.-]{1,64}=(.+)$/s.exec(part) ?? [];
  return value === undefined ? [part] : [part, value, decoded(value), ...decoded(value).split(/\s+/)];
}

function quoted(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
