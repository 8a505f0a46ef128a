import { createRoute, z } from '@hono/zod-openapi';
import type { Scope } from './api-key.ts';
import { requireScope } from './authenticate.ts';
import { problemSchema } from './schemas.ts';

/** Its type is wide on purpose: a refusal is made by `refuse`, whose answer no handler's type knows. */
const problemMediaType: string = 'application/problem+json';

/** A read of the API: a GET that takes this scope and answers this schema, or a problem document. */
export function readRoute<
  const Path extends string,
  Answer extends z.ZodType,
  const Request extends NonNullable<Parameters<typeof createRoute>[0]['request']>,
>(read: {
  readonly path: Path;
  readonly tag: string;
  readonly summary: string;
  readonly description?: string;
  readonly scope: Scope;
  readonly request: Request;
  readonly answer: Answer;
}) {
  return createRoute({
    method: 'get',
    path: read.path,
    tags: [read.tag],
    summary: read.summary,
    description: [read.description, `Takes the scope \`${read.scope}\`.`]
      .filter((part) => part !== undefined)
      .join(' '),
    // OpenAPI 3.1 lets other schemes than OAuth list what role they take.
    security: [{ apiKey: [read.scope] }, { session: [] }],
    middleware: [requireScope(read.scope)] as const,
    request: read.request,
    responses: {
      200: { description: 'What was asked for', content: { 'application/json': { schema: read.answer } } },
      default: {
        description: 'A refusal; its `code` is stable',
        content: { [problemMediaType]: { schema: problemSchema } },
      },
    },
  });
}

/** A page of a list. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    data: z.array(item),
    next: z.string().nullable().meta({
      description: 'Path and query of the next page, as in the header Link; null at the end',
      example: '/api/payments?limit=50&cursor=WyIyMDI2…',
    }),
  });
}
