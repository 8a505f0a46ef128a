import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { maskFields } from '@penstock/core/masking/mask-fields';
import { maskJson, maskText } from '@penstock/core/masking/mask-text';
import { randomOf } from '../../tests/fuzz/random.ts';
import { cases, folded } from '../../tests/masking/personal-data.ts';
import { leavesOf, payloads } from '../../tests/masking/payloads.ts';
import { openPeers, type Peer } from './masking-peers.ts';

const usage = `Usage: node bench/src/masking.ts [--seeds N] [--json]

What masking finds, what it spoils and what it costs, beside three libraries of
the same purpose (bench/peers/masking, installed here at the first run).

  recall     of N seeds for each way of writing personal data, how many cannot be read in the result
  spoilt     of the distinct texts and numbers of real payloads that hold nothing personal, how many are changed
             (of two thousand of them, by the others)
  cost       processor time for one log line of 475 characters

  --seeds N  for each way of writing  (default 20)
  --json     for machines

Exit code 1 where ours finds less than 99.5 % or spoils anything.
`;

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

const here = path.join(import.meta.dirname, '../peers/masking');

const line = JSON.stringify({
  level: 'info',
  time: '2026-11-24T20:32:06.123Z',
  process: 'worker',
  pid: 1234,
  jobId: 'stripe.evt_1NG8Du2eZvKYlo2CUI79vXWy',
  attempt: 1,
  durationMs: 12.34,
  outcome: 'processed',
  requestId: 'd0c2b5a0-1c3e-4b57-9c1f-0a2b3c4d5e6f',
  endpoint: 'stripe',
  eventId: 'evt_1NG8Du2eZvKYlo2CUI79vXWy',
  type: 'payment_intent.succeeded',
  origin: 'webhook',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  handlers: { 'grant-credits': 'done in 3 ms' },
  msg: 'webhook processed',
});

async function main(): Promise<void> {
  if (!existsSync(path.join(here, 'node_modules'))) {
    process.stderr.write('installing what is compared with …\n');
    execFileSync('npx', ['--yes', 'pnpm@12', 'install', '--ignore-workspace', '--ignore-scripts', '--no-lockfile'], {
      cwd: here,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }
  const ours: Peer = { name: 'Penstock', mask: async (text) => maskText(text) };
  const peers = [ours, ...(await openPeers(path.join(here, 'node_modules')))];
  const results = [];
  for (const peer of peers) {
    process.stderr.write(`${peer.name} …\n`);
    results.push(await measure(peer, Number(values.seeds)));
  }
  if (values.json) process.stdout.write(`${JSON.stringify(results, null, 2)}\n`);
  else show(results);
  const [first] = results;
  if (first === undefined || first.recall < 0.995 || first.spoilt > 0) process.exitCode = 1;
}

interface Result {
  readonly name: string;
  readonly recall: number;
  readonly missed: Readonly<Record<string, string>>;
  readonly texts: number;
  readonly spoilt: number;
  readonly examples: readonly string[];
  readonly microseconds: number;
}

async function measure(peer: Peer, seeds: number): Promise<Result> {
  let found = 0;
  let sown = 0;
  const missed: Record<string, string> = {};
  for (const [name, make] of Object.entries(cases)) {
    let missedHere = 0;
    for (let seed = 0; seed < seeds; seed += 1) {
      const { text, secret } = make(randomOf(6, seed));
      if (folded(await peer.mask(text)).includes(secret)) missedHere += 1;
    }
    sown += seeds;
    found += seeds - missedHere;
    if (missedHere > 0) missed[name] = `${missedHere} of ${seeds}`;
  }
  const examples: string[] = [];
  const texts = peer.name === 'Penstock' ? harmless : sample;
  for (const text of texts) {
    const masked = await peer.mask(text);
    if (masked !== text) examples.push(`${text.slice(0, 60)} → ${masked.slice(0, 60)}`);
  }
  return {
    name: peer.name,
    recall: found / sown,
    missed,
    texts: texts.length,
    spoilt: examples.length,
    examples: examples.slice(0, 8),
    microseconds: await costOf(peer.name === 'Penstock' ? wholeLine : peer.mask),
  };
}

/** What the logger does for a line: fields by their names, then the finished line. */
async function wholeLine(text: string): Promise<string> {
  maskFields(parsedLine);
  return maskJson(text);
}

const parsedLine: unknown = JSON.parse(line);

/** Of every payload, each distinct text of up to 300 characters once, but for addresses, telephone numbers and what quotes them. */
const harmless: readonly string[] = [
  ...new Set(
    payloads
      .flatMap(({ value }) => leavesOf(value))
      .filter(
        ({ name, text }) =>
          !/email|phone|created_by|payload|^body$/.test(name) && !text.includes('@') && text.length <= 300,
      )
      .map(({ text }) => text),
  ),
];

/** Two of the others take milliseconds a text. */
const sample = harmless.filter((_text, position) => position % Math.ceil(harmless.length / 2_000) === 0);

/** Processor time, which other processes of the machine do not lengthen as they do time by the clock. */
async function costOf(mask: (text: string) => Promise<string>): Promise<number> {
  const took = async (rounds: number): Promise<number> => {
    const before = process.cpuUsage();
    for (let round = 0; round < rounds; round += 1) await mask(line);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / rounds;
  };
  const first = await took(20);
  if (first > 1_000) return first;
  await took(500);
  return took(5_000);
}

function show(results: readonly Result[]): void {
  const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
  for (const { name, recall, missed, texts, spoilt, examples, microseconds } of results) {
    process.stdout.write(
      `\n${name}: recall ${percent(recall)}, spoilt ${spoilt} of ${texts} texts, ${microseconds.toFixed(1)} µs a line\n`,
    );
    for (const [what, howMany] of Object.entries(missed)) process.stdout.write(`  missed ${what}: ${howMany}\n`);
    for (const example of examples) process.stdout.write(`  spoilt ${JSON.stringify(example)}\n`);
  }
}

if (values.help) process.stdout.write(usage);
else await main();
