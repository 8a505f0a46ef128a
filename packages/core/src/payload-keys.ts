/** A key's name, as it stands in front of every ciphertext. */
const KEY_ID = /^[a-z0-9][a-z0-9-]{0,31}$/;

const KEY_BYTES = 32;

/** While one is rotated there are two; more than ten are a list that nobody rotates. */
const KEYS_MAX = 10;

/** The keys that bodies are sealed with. */
export interface PayloadKeys {
  /** What is sealed from now on. */
  readonly active: string;
  /** What can be opened, by key id; the active one is among them. */
  readonly keys: ReadonlyMap<string, Buffer>;
  /** 96 random bits, new at each call. */
  readonly newNonce: () => Buffer;
}

/**
 * Reads `id:base64,id:base64`, the active key first; each is 256 bits. Returns
 * what is wrong with it otherwise, in words that tell nothing of a key.
 */
export function readPayloadKeys(
  text: string,
  newNonce: () => Buffer,
): { readonly value: PayloadKeys } | { readonly problem: string } {
  const keys = new Map<string, Buffer>();
  const parts = text.split(',').map((part) => part.trim());
  if (parts.length > KEYS_MAX) return { problem: `must be at most ${KEYS_MAX} keys` };
  for (const [position, part] of parts.entries()) {
    const [, id = '', encoded = ''] = /^([^:]*):(.*)$/s.exec(part) ?? [];
    const key = Buffer.from(encoded, 'base64');
    if (!KEY_ID.test(id))
      return { problem: `must name key ${position + 1} by 1 to 32 lower-case letters, digits and hyphens` };
    if (key.length !== KEY_BYTES || key.toString('base64') !== encoded)
      return { problem: `must give key ${position + 1} as ${KEY_BYTES} bytes in base64 ("pnpm payload-keys new")` };
    if (keys.has(id)) return { problem: `must name no two keys alike, as key ${position + 1} is` };
    keys.set(id, key);
  }
  const [active = ''] = keys.keys();
  return { value: { active, keys, newNonce } };
}
