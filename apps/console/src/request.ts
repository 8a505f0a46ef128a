import type { Context } from 'hono';
import type { ConsoleEnv } from './respond.ts';

/** Holds the session's token. */
export const SESSION_COOKIE = 'penstock_session';

/** Holds what a browser is known by at its next login, and is sent there alone. */
export const DEVICE_COOKIE = 'penstock_device';

/** What every line about a request carries, so that it can be found by its answer. */
export interface RequestIds {
  readonly requestId: string;
  readonly traceId: string | undefined;
}

export function idsOf({ var: { requestId, traceId } }: Context<ConsoleEnv>): RequestIds {
  return { requestId, traceId };
}

/** Whether a person is looking rather than a script. */
export function wantsPage(accept: string | undefined): boolean {
  return accept?.includes('text/html') ?? false;
}

/** Whether the browser reached us over https. A header may say so for a proxy: a lie only makes the liar's own cookie stricter. */
export function cameOverHttps(request: { readonly url: string; readonly forwardedProto: string | undefined }): boolean {
  return new URL(request.url).protocol === 'https:' || request.forwardedProto?.split(',')[0]?.trim() === 'https';
}

/** The login, and from there back to this page. */
export function loginLocation(url: string): string {
  const { pathname, search } = new URL(url);
  return `/login?next=${encodeURIComponent(pathname + search)}`;
}
