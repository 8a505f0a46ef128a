import {
  integer,
  optionalInteger,
  optionalText,
  readSettings,
  requiredText,
  type Environment,
} from '@penstock/runtime/env';
import { ConfigurationError } from '@penstock/core/failure';
import {
  databaseSettings,
  prometheusSettings,
  proxySettings,
  replaySettings,
  sharedSettings,
} from '@penstock/runtime/shared-settings';

/** Every setting of the console. */
export const consoleSettings = {
  ...sharedSettings,
  ...databaseSettings,
  replicaUrl: optionalText({
    name: 'DATABASE_REPLICA_URL',
    about: 'a replica of the ledger, that payments and the API are read from',
    secret: true,
    pattern: /^postgres(ql)?:\/\/\S+$/,
    expects: 'a postgres:// URL',
  }),
  ...proxySettings,
  ...replaySettings,
  ...prometheusSettings,
  port: optionalInteger({
    name: 'PORT',
    about: "operators' port, never to be public",
    min: 0,
    max: 65_535,
    fallbackAbout: '8081, or a free one where that is taken',
  }),
  healthPort: optionalInteger({
    name: 'HEALTH_PORT',
    about: 'private port, for health and metrics',
    min: 0,
    max: 65_535,
    fallbackAbout: '9082, or a free one where that is taken',
  }),
  password: requiredText({
    name: 'CONSOLE_PASSWORD',
    about: "the password to look; in production it needs https, because the session's cookie does",
    secret: true,
    pattern: /^.{12,1024}$/s,
    expects: '12 to 1024 characters',
  }),
  operatorPassword: optionalText({
    name: 'CONSOLE_OPERATOR_PASSWORD',
    about: 'the password to replay, retry and discard as well; without it nobody can',
    secret: true,
    pattern: /^.{12,1024}$/s,
    expects: '12 to 1024 characters',
  }),
  sessionHours: integer({
    name: 'SESSION_HOURS',
    about: 'how long a login lasts, in hours',
    fallback: 12,
    min: 1,
    max: 720,
  }),
  sessionIdleMinutes: integer({
    name: 'SESSION_IDLE_MINUTES',
    about: 'how long a login lasts without a request, in minutes',
    fallback: 60,
    min: 1,
    max: 43_200,
  }),
  loginAttempts: integer({
    name: 'LOGIN_ATTEMPTS',
    about: 'wrong passwords allowed in 15 minutes, of a client address or a browser that has logged in before',
    fallback: 5,
    min: 1,
    max: 100,
  }),
};

export type ConsoleConfig = ReturnType<typeof readConsoleConfig>;

/** Throws ConfigurationError listing every problem. */
export function readConsoleConfig(environment: Environment) {
  const config = readSettings(consoleSettings, environment);
  if (config.operatorPassword === config.password)
    throw new ConfigurationError([
      'CONSOLE_OPERATOR_PASSWORD must differ from CONSOLE_PASSWORD: it tells operators from readers',
    ]);
  return config;
}
