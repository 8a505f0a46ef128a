import { createHmac } from 'node:crypto';
import { parseArgs, styleText } from 'node:util';
import { equalBytes, matchingSecret } from '@penstock/core/hmac';
import { checkStaticToken } from '@penstock/core/static-token';
import { rotatingSecrets } from '@penstock/core/rotating-secrets';
import { createStripeVerifier } from '@penstock/core/providers/stripe/verify';
import { cropped, welchT } from './welch.ts';

const usage = `Usage: node bench/src/timing.ts [--samples N] [--json]

Whether the time of a comparison tells where the first wrong byte is. Each
subject is timed on two classes of guess, wrong in the first byte and wrong in
the last, in random order; Welch's t says how far the means are apart. A naive
comparison is measured beside them: it must be found out, or the measurement
would find nothing.

  --samples N  of each class and subject   (default 100000)
  --json       for machines

Exit code 1 where ours tells something, or the naive one does not.
After: Reparaz, Balasch, Verbauwhede, "Dude, is my code constant time?" (2017).
`;

const { values } = parseArgs({
  options: {
    samples: { type: 'string', default: '100000' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

/** The paper takes 4.5 for a suspicion and 10 for a certainty; one run among others' load is no place for suspicions. */
const T_MAX = 10;

/** What lies above belongs to the scheduler and the garbage collector. */
const CROP_SHARE = 0.9;

/** Samples until the code is compiled and its caches are warm. */
const WARM_UP = 5_000;

type WrongAt = 'first' | 'last';

interface Subject {
  readonly name: string;
  /** Whether it is ours, or what must be found out. */
  readonly isControl: boolean;
  /** How many calls make one sample, so that it is well above the clock's resolution. */
  readonly calls: number;
  /** Makes the next guess wrong in this place: not timed, and in the same memory, whose place would else be told apart. */
  readonly prepare: (wrongAt: WrongAt) => void;
  readonly call: () => unknown;
}

if (values.help) process.stdout.write(usage);
else process.exitCode = main(Number(values.samples));

function main(samples: number): number {
  if (!Number.isSafeInteger(samples) || samples < 1_000) {
    process.stderr.write(usage);
    return 64;
  }
  const results = subjects().map((subject) => ({ ...subject, t: measure(subject, samples) }));
  const verdicts = results.map(({ name, isControl, t }) => {
    const tells = Math.abs(t) > T_MAX;
    return { subject: name, t: Math.round(t * 100) / 100, tells, asItShould: tells === isControl };
  });
  if (values.json) process.stdout.write(`${JSON.stringify({ samples, verdicts }, null, 2)}\n`);
  else for (const verdict of verdicts) process.stdout.write(`${lineOf(verdict)}\n`);
  return verdicts.every(({ asItShould }) => asItShould) ? 0 : 1;
}

function lineOf(verdict: {
  readonly subject: string;
  readonly t: number;
  readonly tells: boolean;
  readonly asItShould: boolean;
}): string {
  const said = `${verdict.subject.padEnd(44)} t = ${verdict.t.toFixed(2).padStart(9)}  ${verdict.tells ? 'tells where the first wrong byte is' : 'tells nothing'}`;
  return styleText(verdict.asItShould ? 'green' : 'red', said);
}

function measure(subject: Subject, samples: number): number {
  const times: Readonly<Record<WrongAt, number[]>> = { first: [], last: [] };
  for (let sample = -WARM_UP; sample < samples * 2; sample += 1) {
    const wrongAt = Math.random() < 0.5 ? 'first' : 'last';
    subject.prepare(wrongAt);
    const time = timeOf(subject);
    if (sample >= 0) times[wrongAt].push(time);
  }
  const [one = [], other = []] = cropped([times.first, times.last], CROP_SHARE);
  return welchT(one, other);
}

function timeOf({ call, calls }: Subject): number {
  const started = process.hrtime.bigint();
  for (let count = 0; count < calls; count += 1) call();
  return Number(process.hrtime.bigint() - started);
}

function subjects(): readonly Subject[] {
  const secret = 'whsec_of_the_timing_measurement';
  const body = Buffer.from(JSON.stringify({ id: 'evt_1', object: 'event', text: 'x'.repeat(1_000) }));
  const at = new Date('2026-03-01T12:00:00Z');
  const seconds = at.getTime() / 1_000;
  const digest = createHmac('sha256', secret).update(`${seconds}.`).update(body).digest();
  const verifyStripe = createStripeVerifier({ secrets: [secret] });
  const secrets = rotatingSecrets.parse([secret]);
  const wrong = Buffer.from(digest);
  const prepare = (wrongAt: WrongAt): void => {
    digest.copy(wrong);
    breakAt(wrong, wrongAt);
  };
  const request = { method: 'POST', query: '', headers: { 'stripe-signature': [''] }, body };
  const headers = inEach((wrongAt) => {
    prepare(wrongAt);
    return [`t=${seconds},v1=${wrong.toString('hex')}`];
  });
  const tokens = inEach((wrongAt) => {
    const token = Buffer.from(secret);
    breakAt(token, wrongAt);
    return token.toString('latin1');
  });
  let token = '';
  return [
    { name: 'equalBytes, 32 bytes', isControl: false, calls: 50, prepare, call: () => equalBytes(digest, wrong) },
    {
      name: 'matchingSecret, HMAC-SHA256 over 1 kB',
      isControl: false,
      calls: 5,
      prepare,
      call: () =>
        matchingSecret({ algorithm: 'sha256', secrets: [secret], parts: [`${seconds}.`, body], signatures: [wrong] }),
    },
    {
      name: 'the Stripe verifier, a whole request',
      isControl: false,
      calls: 5,
      prepare: (wrongAt) => {
        request.headers['stripe-signature'] = headers[wrongAt];
      },
      call: () => verifyStripe(request, at),
    },
    {
      name: 'checkStaticToken',
      isControl: false,
      calls: 5,
      prepare: (wrongAt) => {
        token = tokens[wrongAt];
      },
      call: () => checkStaticToken(token, { secrets, receivedAt: at }),
    },
    {
      name: 'a naive comparison, 32 bytes (the control)',
      isControl: true,
      calls: 50,
      prepare,
      call: () => naivelyEqual(digest, wrong),
    },
  ];
}

function inEach<Value>(make: (wrongAt: WrongAt) => Value): Readonly<Record<WrongAt, Value>> {
  return { first: make('first'), last: make('last') };
}

function breakAt(bytes: Buffer, wrongAt: WrongAt): void {
  const at = wrongAt === 'first' ? 0 : bytes.length - 1;
  bytes.writeUInt8(bytes.readUInt8(at) ^ 1, at);
}

function naivelyEqual(one: Buffer, other: Buffer): boolean {
  for (let at = 0; at < one.length; at += 1) {
    if (one[at] !== other[at]) return false;
  }
  return true;
}
