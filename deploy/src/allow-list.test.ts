import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { deployFile } from './topology.ts';

/** What start.sh has nginx include where these files are in allow/. Throws what it says where it does not start nginx. */
function written(files: readonly string[]): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'allow-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const programs = path.join(folder, 'programs');
  mkdirSync(path.join(folder, 'allow'));
  mkdirSync(programs);
  for (const name of files) writeFileSync(path.join(folder, 'allow', name), 'allow 203.0.113.0/24;\n');
  writeFileSync(path.join(programs, 'nginx'), '#!/bin/sh\n', { mode: 0o755 });
  const script = deployFile('nginx/start.sh').replace('=/tmp', `=${folder}`).replace('/etc/nginx/penstock', folder);
  writeFileSync(path.join(folder, 'start.sh'), script);
  const PATH = `${programs}:${process.env['PATH']}`;
  execFileSync('sh', [path.join(folder, 'start.sh')], { env: { PATH }, stdio: 'pipe' });
  return readFileSync(path.join(folder, 'webhooks.conf'), 'utf8').replaceAll(folder, '');
}

const canary = 'location = /webhooks/canary {\n  proxy_pass http://ingest/webhooks/canary;\n}\n';
const others = 'location /webhooks/ {\n  deny all;\n}\n';
const closed = (name: string) =>
  `location = /webhooks/${name} {\n  include /allow/${name}.conf;\n  deny all;\n  proxy_pass http://ingest/webhooks/${name};\n}\n`;

test('with no file in allow/ every endpoint is open', () => {
  expect(written(['README.md'])).toBe('location /webhooks/ {\n  proxy_pass http://ingest;\n}\n');
});

test('a file closes the endpoint of exactly its name, whichever it is, and every endpoint without one but the canary', () => {
  expect(written(['adyen.conf', 'README.md', 'stripe-cloud.conf'])).toBe(
    `${closed('adyen')}${closed('stripe-cloud')}${canary}${others}`,
  );
});

test('the canary too has the file that it is given', () => {
  expect(written(['canary.conf'])).toBe(`${closed('canary')}${others}`);
});

test.each([
  ['Adyen.conf', 'no endpoint has such a name'],
  ['adyen;.conf', 'no endpoint has such a name'],
  ['adyen', 'is not <endpoint>.conf'],
  ['adyen.conf.bak', 'is not <endpoint>.conf'],
])('nginx is not started where allow/ has %s, which would close nothing', (name, problem) => {
  expect(() => written([name])).toThrow(problem);
});
