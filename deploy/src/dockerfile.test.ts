import { readFileSync } from 'node:fs';
import path from 'node:path';
import { validate } from 'dockerfile-utils';
import { describe, expect, test } from 'vitest';
import { dockerfileText, readStages, repository } from './dockerfile.ts';

const stages = readStages(dockerfileText);
const apps = ['ingest', 'worker', 'console', 'migrate'] as const;

test('the Dockerfile has no fault that a linter knows', () => {
  expect(validate(dockerfileText)).toEqual([]);
});

test('everything is made from one image, pinned by a digest that has no default', () => {
  const bases = new Set([...stages.values()].map(({ base }) => base).filter((base) => !stages.has(base)));
  expect([...bases].toSorted()).toEqual(['node:${NODE_VERSION}-bookworm-slim@${NODE_DIGEST}', 'scratch']);
  expect(dockerfileText).toMatch(/^ARG NODE_DIGEST$/m);
});

test('the images are made with the versions of Node and pnpm that the tests run on', () => {
  const manifest = readFileSync(path.join(repository, 'package.json'), 'utf8');
  const node = /^ARG NODE_VERSION=(.*)$/m.exec(dockerfileText)?.[1];
  expect(manifest).toContain(`"node": "${node}"`);
  const pnpm = /pnpm@([\d.]+)/.exec(readFileSync(path.join(repository, 'deploy/assemble.sh'), 'utf8'))?.[1];
  expect(manifest).toContain(`"packageManager": "pnpm@${pnpm}"`);
});

describe.each(apps)('the image of %s', (name) => {
  const stage = stages.get(name);

  test('runs one script with Node, as a user without a name or privilege', () => {
    expect(stage?.user).toBe('65532:65532');
    expect(stage?.entrypoint?.[0]).toBe('node');
    expect(stage?.entrypoint).toHaveLength(2);
    expect(stage?.env).toMatchObject({ NODE_ENV: 'production', HOST: '0.0.0.0' });
  });

  test('holds one assembled root and nothing of the image that it was built with', () => {
    const app = name === 'migrate' ? 'worker' : name;
    expect(stage?.copiedFrom).toEqual([`${app}-root`]);
    expect(stage?.base).toBe('process');
    expect(stages.get('process')?.base).toBe('scratch');
    expect(dockerfileText).toContain(`FROM source AS ${app}-root\nRUN sh deploy/assemble.sh ${app} /root-of-image\n`);
  });

  test('asks its own private port whether it is alive', () => {
    if (name === 'migrate') return expect(stage?.healthcheck).toBeNull();
    expect(stage?.healthcheck?.slice(0, 2)).toEqual(['node', '-e']);
    expect(stage?.healthcheck?.[2]).toContain('process.env.HEALTH_PORT}/health');
    expect(stage?.ports).toContain(stage?.env['HEALTH_PORT']);
  });
});

test('what is not needed to build is kept out of the build: no secrets, no data, no history', () => {
  const ignored = readFileSync(path.join(repository, 'deploy/Dockerfile.dockerignore'), 'utf8').split('\n');
  expect(ignored.find((line) => line !== '' && !line.startsWith('#'))).toBe('*');
  expect(ignored).toEqual(expect.arrayContaining(['**/node_modules', '**/.env*', '**/.penstock']));
});
