import { inject } from 'vitest';

/** What the test run's global set-up provides to every test file. */
export interface TestServices {
  postgresUrl: string;
  redisUrl: string;
  /** A directory of this run, removed after it. */
  runDir: string;
}

declare module 'vitest' {
  interface ProvidedContext extends TestServices {}
}

/** The PostgreSQL of this test run. Clone a database in it rather than use this one. */
export function testPostgresUrl(): string {
  return inject('postgresUrl');
}

/** The Redis of this test run. Every file uses it: prefix keys, and never flush. */
export function testRedisUrl(): string {
  return inject('redisUrl');
}

/** A directory that lives as long as this test run. */
export function testRunDir(): string {
  return inject('runDir');
}
