import type { MiddlewareHandler } from 'hono';
import { secureHeaders } from 'hono/secure-headers';
import { cameOverHttps } from './request.ts';
import type { ConsoleEnv } from './respond.ts';

/** Tells browsers what pages may do and that nothing of them is kept. */
export function secureAnswers(): MiddlewareHandler<ConsoleEnv> {
  const ours = secureHeaders({
    ...common,
    contentSecurityPolicy: { ...nothing, styleSrc: ["'self'"], formAction: ["'self'"] },
  });
  const board = secureHeaders({ ...common, contentSecurityPolicy: { ...nothing, ...boardSources } });
  return async (context, next) => {
    const { path } = context.req;
    const isBoard = path === '/queues' || path.startsWith('/queues/');
    const answered = await (isBoard ? board : ours)(context, next);
    // Over http it must not be sent (RFC 6797, 7.2), and would mean nothing.
    if (!cameOverHttps({ url: context.req.url, forwardedProto: context.req.header('x-forwarded-proto') }))
      context.res.headers.delete('strict-transport-security');
    // The board's files are named after their content.
    if (!path.startsWith('/queues/static/')) context.res.headers.set('cache-control', 'no-store');
    return answered;
  };
}

const common = {
  xFrameOptions: 'DENY',
  // With `no-referrer` browsers send forms with `Origin: null`, which is refused as another site's.
  referrerPolicy: 'same-origin',
  strictTransportSecurity: 'max-age=31536000',
  permissionsPolicy: { camera: [], microphone: [], geolocation: [], payment: [], usb: [] },
};

const nothing = { defaultSrc: ["'none'"], baseUri: ["'none'"], frameAncestors: ["'none'"] };

/**
 * What Bull Board's page needs: its own files, and the styles that it and its
 * components write into the page.
 */
const boardSources = {
  baseUri: ["'self'"],
  formAction: ["'none'"],
  scriptSrc: ["'self'"],
  styleSrc: ["'self'", "'unsafe-inline'"],
  imgSrc: ["'self'", 'data:'],
  fontSrc: ["'self'"],
  connectSrc: ["'self'"],
  workerSrc: ["'self'"],
};
