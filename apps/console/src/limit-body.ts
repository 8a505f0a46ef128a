import type { MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { refuse, type ConsoleEnv } from './respond.ts';

/** The longest password with every character escaped, and a path to go to after. */
const BODY_BYTES_MAX = 16 * 1024;

/** Reads no more of a request than a form of ours can hold. */
export function limitBody(): MiddlewareHandler<ConsoleEnv> {
  return bodyLimit({
    maxSize: BODY_BYTES_MAX,
    onError: (context) => refuse(context, { kind: 'body_too_large', bytesMax: BODY_BYTES_MAX }),
  });
}
