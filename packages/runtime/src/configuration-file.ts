import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';
import {
  configurationSchema,
  type EndpointSetting,
  type EnvironmentReference,
  type PenstockConfiguration,
} from '@penstock/core/configuration';
import type { destinationSchema } from '@penstock/core/destination';
import { ConfigurationError } from '@penstock/core/failure';
import { hideSecret } from '@penstock/core/masking/secrets';
import { providerNamed } from '@penstock/core/providers/registry';
import type { Provider } from '@penstock/core/provider';
import type { RateLimit } from '@penstock/core/rate-limit';
import type { RetryRules } from '@penstock/core/retry-policy';
import { retryRules } from '@penstock/core/retry-settings';
import { readVariable, type Environment } from './env.ts';

/** An endpoint as every process knows it; its secrets are ingest's alone. */
export interface ConfiguredEndpoint {
  readonly name: string;
  readonly provider: Provider;
  readonly account: string;
  /** As written, references unresolved. */
  readonly settings: Readonly<Record<string, EndpointSetting>>;
  /** How its failed events are tried again. */
  readonly retry: RetryRules;
  /** Null where it takes what comes. */
  readonly rateLimit: RateLimit | null;
}

export interface LoadedConfiguration<Tx> {
  readonly endpoints: ReadonlyMap<string, ConfiguredEndpoint>;
  readonly handlers: NonNullable<PenstockConfiguration<Tx>['handlers']>;
  /** By name; URL and secrets may be references. */
  readonly destinations: ReadonlyMap<string, ConfiguredDestination>;
  readonly reportError: PenstockConfiguration<Tx>['reportError'];
}

/** A destination as written, its defaults filled in. */
export type ConfiguredDestination = z.output<typeof destinationSchema>;

/**
 * Loads penstock.config.ts, from the working directory unless the path is
 * absolute. Throws ConfigurationError listing every problem of it.
 */
export async function loadConfiguration<Tx>(file: string): Promise<LoadedConfiguration<Tx>> {
  const location = path.resolve(file);
  const module = await importModule(location);
  const parsed = configurationSchema.safeParse(module);
  if (!parsed.success)
    throw new ConfigurationError(
      parsed.error.issues.map((issue) => `${file}: ${issue.path.join('.') || 'the default export'}: ${issue.message}`),
    );

  const problems: string[] = [];
  const endpoints = new Map<string, ConfiguredEndpoint>();
  for (const [name, { provider: providerId, account = name, retry, rateLimit = null, ...settings }] of Object.entries(
    parsed.data.endpoints,
  )) {
    const provider = providerNamed(providerId);
    if (provider === undefined)
      problems.push(`${file}: endpoints.${name}.provider: there is no provider named ${providerId}`);
    else endpoints.set(name, { name, provider, account, settings, retry: retryRules(retry), rateLimit });
  }
  problems.push(
    ...sharedAccountProblems(file, [...endpoints.values()]),
    ...handlerProblems(file, parsed.data.handlers ?? []),
  );
  if (problems.length > 0) throw new ConfigurationError(problems);
  const destinations = new Map(Object.entries(parsed.data.destinations ?? {}));
  return {
    endpoints,
    destinations,
    reportError: parsed.data.reportError,
    handlers: z.custom<LoadedConfiguration<Tx>['handlers']>().parse(parsed.data.handlers ?? []),
  };
}

/** Settings with every reference looked up. Problems name variables, never values. */
export function resolveSettings(
  endpoint: Pick<ConfiguredEndpoint, 'name' | 'settings'> & { readonly kind?: 'endpoint' | 'destination' },
  environment: Environment,
): { readonly settings: Record<string, unknown>; readonly problems: readonly string[] } {
  const problems: string[] = [];
  const resolve = (setting: EndpointSetting): unknown => {
    if (typeof setting !== 'object') return setting;
    if (isReference(setting)) return lookUp(setting, { environment, problems });
    if (Array.isArray(setting))
      return setting
        .map(resolve)
        .flatMap((value) =>
          typeof value === 'string'
            ? value.split(/[\s,]+/).filter((part) => part !== '')
            : value === undefined
              ? []
              : [value],
        );
    return withoutUndefined(Object.entries(setting).map(([name, inner]) => [name, resolve(inner)]));
  };
  const settings = withoutUndefined(
    Object.entries(endpoint.settings).map(([name, setting]) => [name, resolve(setting)]),
  );
  return {
    settings,
    problems: problems.map((problem) => `${endpoint.kind ?? 'endpoint'} ${endpoint.name}: ${problem}`),
  };
}

/** The endpoint with those of its settings alone that are named, so that no other secret is looked up. */
export function withSettings<Endpoint extends Pick<ConfiguredEndpoint, 'settings'>>(
  endpoint: Endpoint,
  names: readonly string[],
): Endpoint {
  const settings = Object.fromEntries(Object.entries(endpoint.settings).filter(([name]) => names.includes(name)));
  return { ...endpoint, settings };
}

/**
 * Hides what the configuration refers to from everything that is masked: a
 * worker looks few of its secrets up, and its handlers have all of them in
 * their environment.
 */
export function hideReferences(
  { endpoints, destinations }: Pick<LoadedConfiguration<never>, 'endpoints' | 'destinations'>,
  environment: Environment,
): void {
  const hide = (setting: unknown): void => {
    if (typeof setting !== 'object' || setting === null) return;
    if (!isReference(setting)) return Object.values(setting).forEach(hide);
    const reading = readVariable(setting.fromEnvironment, environment);
    if (reading.kind === 'value' && reading.value !== undefined) hideSecret(reading.value);
  };
  for (const { settings } of endpoints.values()) hide(settings);
  hide([...destinations.values()]);
}

async function importModule(location: string): Promise<unknown> {
  if (!existsSync(location)) throw new ConfigurationError([`PENSTOCK_CONFIG: there is no ${location}`]);
  try {
    const module: unknown = await import(pathToFileURL(location).href);
    return typeof module === 'object' && module !== null && 'default' in module ? module.default : undefined;
  } catch (cause) {
    throw new Error(`${location} could not be loaded`, { cause });
  }
}

function isReference(setting: object): setting is EnvironmentReference {
  return 'fromEnvironment' in setting && typeof setting.fromEnvironment === 'string';
}

function lookUp(
  reference: EnvironmentReference,
  context: { readonly environment: Environment; readonly problems: string[] },
): string | undefined {
  const reading = readVariable(reference.fromEnvironment, context.environment);
  if (reading.kind === 'problem') context.problems.push(`${reference.fromEnvironment} ${reading.problem}`);
  else if (reading.value === undefined && !reference.optional)
    context.problems.push(`${reference.fromEnvironment} is missing`);
  return reading.kind === 'value' ? reading.value : undefined;
}

function withoutUndefined(entries: readonly (readonly [string, unknown])[]): Record<string, unknown> {
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** One account is one provider's: their event ids share a ledger. */
function sharedAccountProblems(file: string, endpoints: readonly ConfiguredEndpoint[]): readonly string[] {
  return endpoints
    .filter((endpoint, position) =>
      endpoints
        .slice(0, position)
        .some((earlier) => earlier.account === endpoint.account && earlier.provider !== endpoint.provider),
    )
    .map(
      (endpoint) =>
        `${file}: endpoints.${endpoint.name}.account: ${endpoint.account} is already another provider's account`,
    );
}

function handlerProblems(file: string, handlers: readonly { readonly name: string }[]): readonly string[] {
  return handlers
    .filter((handler, position) => handlers.findIndex(({ name }) => name === handler.name) < position)
    .map((handler) => `${file}: handlers: the name ${handler.name} is used twice`);
}
