import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { context, trace } from '@opentelemetry/api';
import { maskText } from '@penstock/core/masking/mask-text';
import { temporaryDirectory } from '@penstock/local/testing';
import { openTelemetry } from '@penstock/runtime/telemetry';
import type { Tracing } from '@penstock/runtime/tracing';
import { expect, test } from 'vitest';
import { startCollector, type CollectedSpan } from './harness/collector.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const caller = 'b7ad6b7169203331';

/** What is exported of work that is traced, once tracing is closed. `isSampled` is what the caller decided. */
async function exportedOf(
  isSampled: boolean,
  work: (tracing: Tracing, parent: string) => Promise<unknown>,
): Promise<(name: string) => CollectedSpan | undefined> {
  await using collector = await startCollector();
  {
    await using tracing = await openTelemetry({
      environment: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' },
      process: 'test',
      version: '0',
    });
    await work(tracing, `00-${traceId}-${caller}-${isSampled ? '01' : '00'}`);
  }
  const { spans } = collector;
  return (name) => spans.find((span) => span.name === name);
}

test('a library’s span in a handler is a part of the handler’s, and what is sent within the library’s span is a part of that', async () => {
  const exported = await exportedOf(true, (tracing, parent) =>
    tracing.span({ name: 'attempt', kind: 'consumer', parent }, () =>
      tracing.span({ name: 'handle', kind: 'internal' }, () =>
        trace.getTracer('a library').startActiveSpan('library', async (span) => {
          await Promise.resolve();
          await tracing.span({ name: 'sent', kind: 'client' }, async () => undefined);
          const bound = context.bind(context.active(), () => trace.getActiveSpan()?.spanContext().spanId);
          expect(bound()).toBe(span.spanContext().spanId);
          span.end();
        }),
      ),
    ),
  );
  expect(exported('attempt')).toMatchObject({ traceId, parentSpanId: caller });
  expect(exported('handle')).toMatchObject({ traceId, parentSpanId: exported('attempt')?.spanId });
  expect(exported('library')).toMatchObject({ traceId, parentSpanId: exported('handle')?.spanId });
  expect(exported('sent')).toMatchObject({ traceId, parentSpanId: exported('library')?.spanId });
});

test('of a trace that is not sampled, what failed is told with what it was told of itself, and not what went well', async () => {
  const exported = await exportedOf(false, (tracing, parent) =>
    tracing.span({ name: 'attempt', kind: 'consumer', parent }, async (attempt) => {
      expect(tracing.isRecording()).toBe(false);
      await tracing.span({ name: 'went well', kind: 'internal' }, async (span) => {
        expect(span.traceparent).toBe(attempt.traceparent);
      });
      await tracing.span({ name: 'answered 500', kind: 'client' }, async (span) => {
        span.set({ 'http.response.status_code': 500 });
        span.fail('500');
      });
      await expect(
        tracing.span({ name: 'threw', kind: 'internal' }, () => Promise.reject(new Error('no'))),
      ).rejects.toThrow('no');
    }),
  );
  expect(exported('attempt')).toMatchObject({ traceId, parentSpanId: caller, status: 0 });
  expect(exported('answered 500')).toMatchObject({
    status: 2,
    parentSpanId: exported('attempt')?.spanId,
    attributes: { 'http.response.status_code': 500, 'error.type': '500' },
  });
  expect(exported('threw')).toMatchObject({ status: 2, parentSpanId: exported('attempt')?.spanId });
  expect(exported('went well')).toBeUndefined();
});

test('of a trace that is not sampled and in which nothing fails, nothing is told, nor of what libraries do in it', async () => {
  const exported = await exportedOf(false, (tracing, parent) =>
    tracing.span({ name: 'attempt', kind: 'consumer', parent }, () =>
      tracing.span({ name: 'handle', kind: 'internal' }, async () => {
        trace.getTracer('a library').startSpan('library').end();
      }),
    ),
  );
  expect(['attempt', 'handle', 'library'].map(exported)).toEqual([undefined, undefined, undefined]);
});

test('headers for the collector are sent from where they are given, a file too, and their tokens are shown nowhere', async () => {
  await using collector = await startCollector();
  await using folder = await temporaryDirectory();
  const file = path.join(folder.path, 'headers');
  await writeFile(file, 'authorization=Bearer%20of-the-collector%2C1,x-tenant=of-everything\n');
  {
    await using tracing = await openTelemetry({
      environment: {
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
        OTEL_EXPORTER_OTLP_HEADERS_FILE: file,
        OTEL_EXPORTER_OTLP_TRACES_HEADERS: ' x-tenant = of-the-traces-alone ,',
      },
      process: 'test',
      version: '0',
    });
    await tracing.span(
      { name: 'attempt', kind: 'consumer', parent: `00-${traceId}-${caller}-01` },
      async () => undefined,
    );
  }
  expect(collector.headers).toEqual([
    expect.objectContaining({ authorization: 'Bearer of-the-collector,1', 'x-tenant': 'of-the-traces-alone' }),
  ]);
  for (const quoted of ['of-the-collector,1', 'Bearer%20of-the-collector%2C1', 'of-the-traces-alone', 'of-everything'])
    expect(maskText(`sent with "${quoted}"`)).toBe('sent with "[secret]"');
});

test.each([
  'hunter2hunter2',
  '=hunter2hunter2',
  'a b=hunter2hunter2',
  'a=hunter2;hunter2',
  'a=hunter2%0Ahunter2',
  'a=%hunter2',
])('headers that no request could have stop the process, and are not repeated: %s', async (headers) => {
  const opened = openTelemetry({
    environment: { OTEL_EXPORTER_OTLP_HEADERS: headers },
    process: 'test',
    version: '0',
  });
  await expect(opened).rejects.toThrow('OTEL_EXPORTER_OTLP_HEADERS must be name=value');
  await expect(opened).rejects.not.toThrow('hunter2');
});
