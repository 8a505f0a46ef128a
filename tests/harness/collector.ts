import { createServer, type IncomingHttpHeaders } from 'node:http';
import * as z from 'zod';

/** A span as it was exported. */
export interface CollectedSpan {
  readonly service: string;
  readonly name: string;
  readonly kind: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  /** 2 is an error. */
  readonly status: number;
  readonly statusMessage: string;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

/** An OTLP/HTTP receiver on a loopback port. */
export interface Collector extends AsyncDisposable {
  /** For OTEL_EXPORTER_OTLP_ENDPOINT. */
  readonly url: string;
  readonly spans: readonly CollectedSpan[];
  /** Everything that arrived, as text. */
  readonly received: () => string;
  /** What each request said of itself. */
  readonly headers: readonly IncomingHttpHeaders[];
  /** Content types of what arrived. */
  readonly contentTypes: ReadonlySet<string>;
}

export async function startCollector(): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const bodies: string[] = [];
  const contentTypes = new Set<string>();
  const headers: IncomingHttpHeaders[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const contentType = request.headers['content-type'] ?? '';
      contentTypes.add(contentType);
      headers.push(request.headers);
      bodies.push(body);
      if (contentType === 'application/json') spans.push(...read(JSON.parse(body)));
      response.writeHead(request.url === '/v1/traces' ? 200 : 404, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`,
    spans,
    received: () => bodies.join('\n'),
    contentTypes,
    headers,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const attributes = z
  .array(
    z.object({
      key: z.string(),
      value: z
        .object({
          stringValue: z.string().optional(),
          intValue: z.coerce.number().optional(),
          doubleValue: z.number().optional(),
          boolValue: z.boolean().optional(),
        })
        .loose(),
    }),
  )
  .transform((list) =>
    Object.fromEntries(
      list.map(({ key, value }) => [
        key,
        value.stringValue ?? value.intValue ?? value.doubleValue ?? value.boolValue ?? '',
      ]),
    ),
  );

/** OTLP/JSON: ids in hex, enums as numbers (OTLP 1.x, JSON Protobuf Encoding). */
const request = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes }),
      scopeSpans: z.array(
        z.object({
          spans: z.array(
            z.object({
              name: z.string(),
              kind: z.number(),
              traceId: z.string().regex(/^[0-9a-f]{32}$/),
              spanId: z.string().regex(/^[0-9a-f]{16}$/),
              parentSpanId: z.string().default(''),
              status: z.object({ code: z.number().default(0), message: z.string().default('') }),
              attributes,
            }),
          ),
        }),
      ),
    }),
  ),
});

function read(body: unknown): readonly CollectedSpan[] {
  return request.parse(body).resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map(({ status, ...span }) => ({
        ...span,
        service: String(resource.attributes['service.name']),
        status: status.code,
        statusMessage: status.message,
      })),
    ),
  );
}
