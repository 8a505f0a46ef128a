import { OpenAPIHono } from '@hono/zod-openapi';
import { version } from '@penstock/runtime/version';
import type { LedgerDatabase } from '@penstock/db/database';
import type { ConsoleEvents } from '../events.ts';
import { limitBody } from '../limit-body.ts';
import { refuse, type ConsoleEnv } from '../respond.ts';
import { authenticate, type AuthenticationWorld } from './authenticate.ts';
import { addEventReads } from './events-api.ts';
import { addPaymentReads } from './payments-api.ts';
import { referencePage } from './reference-page.ts';
import { scopes } from './api-key.ts';

/** What the read API needs of the world. */
export interface ReadApiWorld extends AuthenticationWorld {
  /** Where answers are read: the replica where there is one. */
  readonly reads: LedgerDatabase;
}

/** `/api`: what is known, for programs with a key. It reads and changes nothing. */
export function readApi(world: ReadApiWorld, events: ConsoleEvents): OpenAPIHono<ConsoleEnv> {
  const api = new OpenAPIHono<ConsoleEnv>({
    defaultHook: (result, context) => {
      if (result.success) return undefined;
      const problem = result.error.issues
        .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
        .join('; ');
      return refuse(context, { kind: 'parameter_invalid', problem });
    },
  });
  api.use('/api/*', limitBody());
  api.use('/api/*', authenticate(world, events));
  addPaymentReads(api, world.reads);
  addEventReads(api, world.reads);

  const document = documentOf(api);
  api.get('/api/openapi.json', (context) => context.json(document));
  api.get('/api', (context) => context.html(referencePage(document, { origin: new URL(context.req.url).origin })));
  api.on(['POST', 'PUT', 'PATCH', 'DELETE'], '/api/*', (context) => refuse(context, { kind: 'read_only' }));
  api.all('/api/*', (context) => refuse(context, { kind: 'page_unknown' }));
  return api;
}

/** OpenAPI 3.1, made from the schemas that the answers have. */
function documentOf(api: OpenAPIHono<ConsoleEnv>) {
  api.openAPIRegistry.registerComponent('securitySchemes', 'apiKey', {
    type: 'http',
    scheme: 'bearer',
    description: `A key made with \`pnpm api-key create\`. Scopes: ${scopes.join(', ')}.`,
  });
  api.openAPIRegistry.registerComponent('securitySchemes', 'session', {
    type: 'apiKey',
    in: 'cookie',
    name: 'penstock_session',
    description: "An operator's login to the console, who may read everything.",
  });
  return api.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: 'Penstock read API',
      version,
      license: { name: 'Apache-2.0' },
      description:
        'What is known of payments, and of the events that say so. Nothing here changes anything. Lists hold 50 rows, or `limit` up to 200; `next` leads to the page after. Members and words may be added to answers; none changes its meaning.',
    },
  });
}

export type ApiDocument = ReturnType<typeof documentOf>;
