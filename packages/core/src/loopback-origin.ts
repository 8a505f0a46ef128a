import * as z from 'zod';

/** A provider's API stood in for by a local process. Loopback only: whoever answers there decides what is genuine. */
export const loopbackOrigin = z
  .string()
  .refine(isLoopbackOrigin, 'must be an http or https origin of 127.0.0.1, localhost or [::1], without a path')
  .transform((url) => new URL(url).origin);

function isLoopbackOrigin(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const isBare = url.href === `${url.origin}/` && (text === url.origin || text === url.href);
  return (
    isBare && ['http:', 'https:'].includes(url.protocol) && ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname)
  );
}
