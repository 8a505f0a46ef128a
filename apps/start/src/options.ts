import path from 'node:path';
import { parseArgs } from 'node:util';
import { ConfigurationError } from '@penstock/core/failure';
import { optionalInteger, optionalText, readSettings, text, type Environment } from '@penstock/runtime/env';

export const usage = `Usage: pnpm start [--once] [--port N] [--console-port N] [--home DIR]

Runs the whole of Penstock on this machine: PostgreSQL, the queue, ingest, a
worker and the console. Then sends itself signed Stripe and PayPal events and
shows what became of them. Stays up until Ctrl-C.

  --once            end after the account; exit code 0 only if every outcome
                    was the expected one
  --port N          public port for webhooks         (PORT; default 8080)
  --console-port N  port of the operators' console   (CONSOLE_PORT; default 8081)
  --home DIR        where data and logs are kept     (PENSTOCK_HOME; default .penstock)
  --help            this text

DATABASE_URL and REDIS_URL, where set, are used instead of services started
here. Endpoints of penstock.config.ts are served where their variables are set.
`;

export interface StartOptions {
  readonly once: boolean;
  /** Undefined: the default, or a free one where that is taken. */
  readonly port: number | undefined;
  readonly consolePort: number | undefined;
  readonly home: string;
  readonly databaseUrl: string | undefined;
  readonly redisUrl: string | undefined;
  readonly consolePassword: string | undefined;
}

/** Reads arguments and environment; `help` where only the usage is wanted. Throws ConfigurationError. */
export function readOptions(args: readonly string[], environment: Environment): StartOptions | 'help' {
  const flags = readFlags(args);
  if (flags.help === true) return 'help';
  const given = {
    ...environment,
    ...(flags.port === undefined ? {} : { PORT: flags.port }),
    ...(flags['console-port'] === undefined ? {} : { CONSOLE_PORT: flags['console-port'] }),
    ...(flags.home === undefined ? {} : { PENSTOCK_HOME: flags.home }),
  };
  const settings = readSettings(startSettings, given);
  return { ...settings, home: path.resolve(settings.home), once: flags.once === true };
}

const startSettings = {
  port: optionalInteger({
    name: 'PORT',
    about: 'public port, for webhooks',
    min: 1,
    max: 65_535,
    fallbackAbout: '8080',
  }),
  consolePort: optionalInteger({
    name: 'CONSOLE_PORT',
    about: "the operators' port",
    min: 1,
    max: 65_535,
    fallbackAbout: '8081',
  }),
  home: text({ name: 'PENSTOCK_HOME', about: 'where data and logs are kept', fallback: '.penstock' }),
  databaseUrl: optionalText({
    name: 'DATABASE_URL',
    about: 'PostgreSQL to use instead of the embedded one',
    secret: true,
    pattern: /^postgres(ql)?:\/\/\S+$/,
    expects: 'a postgres:// URL',
  }),
  redisUrl: optionalText({
    name: 'REDIS_URL',
    about: 'Redis to use instead of a private one',
    secret: true,
    pattern: /^rediss?(\+cluster|\+sentinel)?:\/\/\S+$/,
    expects: 'a redis:// or rediss:// URL, or one of a cluster or of sentinels',
  }),
  consolePassword: optionalText({
    name: 'CONSOLE_PASSWORD',
    about: "the console's password, instead of a generated one",
    secret: true,
    pattern: /^.{12,}$/,
    expects: 'at least 12 characters',
  }),
};

function readFlags(args: readonly string[]) {
  try {
    const flags = {
      once: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
      port: { type: 'string' },
      'console-port': { type: 'string' },
      home: { type: 'string' },
    } as const;
    // pnpm hands over the `--` that separates its own arguments from ours.
    return parseArgs({ args: args.filter((argument) => argument !== '--'), options: flags }).values;
  } catch (error) {
    throw new ConfigurationError([
      `${error instanceof Error ? error.message.split('. ')[0] : String(error)}; see pnpm start --help`,
    ]);
  }
}
