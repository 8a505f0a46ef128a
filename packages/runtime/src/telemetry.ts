import { integer, oneOf, optionalText, readSettings, type Environment, type Setting } from './env.ts';
import { untraced, type Tracing } from './tracing.ts';

const url = { pattern: /^https?:\/\/\S+$/, expects: 'an http:// or https:// URL' };

/**
 * OpenTelemetry's own variables, with their own names and meanings; those of the
 * exporter alone (certificates, compression, timeout) it reads itself. Headers
 * are read here, because they hold tokens: from a file too, and never shown.
 * Source: OpenTelemetry, Environment Variable Specification and OTLP Exporter.
 */
const telemetrySettings = {
  disabled: oneOf({
    name: 'OTEL_SDK_DISABLED',
    about: 'true switches tracing off',
    words: ['true', 'false'],
    fallback: 'false',
  }),
  exporter: oneOf({
    name: 'OTEL_TRACES_EXPORTER',
    about: 'where traces go',
    words: ['otlp', 'none'],
    fallback: 'otlp',
  }),
  endpoint: optionalText({ name: 'OTEL_EXPORTER_OTLP_ENDPOINT', about: 'base URL of the collector', ...url }),
  tracesEndpoint: optionalText({
    name: 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT',
    about: 'whole URL for traces, instead of the base',
    ...url,
  }),
  protocol: oneOf({
    name: 'OTEL_EXPORTER_OTLP_PROTOCOL',
    about: 'how they are sent',
    words: ['http/protobuf', 'http/json'],
    fallback: 'http/protobuf',
  }),
  headers: requestHeaders({
    name: 'OTEL_EXPORTER_OTLP_HEADERS',
    about: 'headers sent to the collector: name=value, with commas between',
    secret: true,
  }),
  tracesHeaders: requestHeaders({
    name: 'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
    about: 'headers sent with traces, beside those or in the place of them',
    secret: true,
  }),
  serviceName: optionalText({ name: 'OTEL_SERVICE_NAME', about: 'name of the service in traces' }),
  sampler: oneOf({
    name: 'OTEL_TRACES_SAMPLER',
    about: 'which traces are kept beside those with an error',
    words: [
      'parentbased_ratelimited',
      'ratelimited',
      'parentbased_always_on',
      'parentbased_always_off',
      'parentbased_traceidratio',
      'always_on',
      'always_off',
      'traceidratio',
    ],
    fallback: 'parentbased_ratelimited',
  }),
  samplerArg: optionalText({
    name: 'OTEL_TRACES_SAMPLER_ARG',
    about: 'traces a second of the ratelimited samplers (50), share from 0 to 1 of the ratio samplers (1)',
    pattern: /^(?:\d{1,6}(?:\.\d+)?|\.\d+)$/,
    expects: 'a number, 0 or more',
  }),
  scheduleDelayMs: integer({
    name: 'OTEL_BSP_SCHEDULE_DELAY',
    about: 'how long spans are gathered before they are sent, in milliseconds',
    fallback: 5_000,
    min: 10,
    max: 600_000,
  }),
  queueSizeMax: integer({
    name: 'OTEL_BSP_MAX_QUEUE_SIZE',
    about: 'most spans that wait to be sent; more are dropped',
    fallback: 8_192,
    min: 1,
    max: 1_000_000,
  }),
};

type RequestHeaders = Readonly<Record<string, string>>;

function requestHeaders(options: Parameters<typeof optionalText>[0]): Setting<RequestHeaders> {
  return {
    ...optionalText(options),
    read: (raw = '') => {
      const pairs = raw.split(',').flatMap((pair) => (pair.trim() === '' ? [] : [readHeader(pair.trim())]));
      const headers = pairs.filter((pair) => pair !== null);
      return headers.length === pairs.length
        ? { value: Object.fromEntries(headers) }
        : { problem: 'must be name=value, with commas between; a comma or semicolon of a value is percent-encoded' };
    },
  };
}

/** Null where a request could not be sent with it, which nobody would be told of later. */
function readHeader(pair: string): readonly [name: string, value: string] | null {
  const [, name, encoded] = /^([\w!#$%&'*+.^`|~-]+)\s*=\s*([^;]+)$/.exec(pair) ?? [];
  if (name === undefined || encoded === undefined) return null;
  try {
    const value = decodeURIComponent(encoded);
    return /^[\t\x20-\x7e]+$/.test(value) ? [name, value] : null;
  } catch {
    return null;
  }
}

export type TelemetrySettings = ReturnType<typeof readTelemetrySettings>;

function readTelemetrySettings(environment: Environment) {
  return readSettings(telemetrySettings, environment);
}

/**
 * Opens tracing as the environment asks. Without a collector's address nothing
 * is loaded and nothing recorded. Closing sends what has been gathered.
 */
export async function openTelemetry(options: {
  readonly environment: Environment;
  /** ingest, worker, console. */
  readonly process: string;
  readonly version: string;
}): Promise<Tracing> {
  const settings = readTelemetrySettings(options.environment);
  const endpoint = settings.tracesEndpoint ?? under(settings.endpoint);
  if (settings.disabled === 'true' || settings.exporter === 'none' || endpoint === undefined) return untraced;
  const { startTelemetry } = await import('./telemetry-sdk.ts');
  return startTelemetry({ ...options, settings, endpoint });
}

function under(base: string | undefined): string | undefined {
  return base === undefined ? undefined : `${base.replace(/\/+$/, '')}/v1/traces`;
}
