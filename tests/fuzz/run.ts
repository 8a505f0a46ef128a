import { paymentFactSchema, type PaymentFact } from '@penstock/core/payment-event';
import type { ProviderEffects, Verifier } from '@penstock/core/provider';
import type { SignedRequest } from '@penstock/core/signed-request';
import { mutateJson } from './mutate-json.ts';
import { mutateRequest } from './mutate-request.ts';
import { randomOf, type Random } from './random.ts';
import { fuzzedAt, type FuzzTarget } from './target.ts';

/** What the fuzzer found wrong, and how to see it again. */
export interface Violation {
  readonly provider: string;
  readonly caseNumber: number;
  readonly what: string;
}

/** What became of the requests of one provider. */
export interface FuzzCounts {
  requests: number;
  genuine: number;
  verified: number;
  malformed: number;
  rejected: number;
  undecided: number;
  translated: number;
  withFacts: number;
}

export interface FuzzReport {
  readonly counts: ReadonlyMap<string, FuzzCounts>;
  readonly violations: readonly Violation[];
}

/** A verifier that takes longer than this over one request can be kept busy by anybody. */
const CASE_MS_MAX = 2_000;

/** Enough to see what is wrong; a broken verifier would otherwise fill the screen. */
const VIOLATIONS_MAX = 20;

/**
 * Runs the cases `from` to `from + count`, the providers in turn. A request
 * that was changed must not be taken for what it was: it is refused, or what is
 * accepted of it is what the genuine one proves. Nothing may throw but a
 * translation its PermanentError. Stops early where it is aborted.
 */
export async function fuzz(options: {
  readonly targets: Readonly<Record<string, FuzzTarget>>;
  readonly effects: ProviderEffects;
  readonly seed: number;
  readonly from: number;
  readonly count: number;
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}): Promise<FuzzReport> {
  const names = Object.keys(options.targets);
  const opened = new Map(names.map((name) => [name, open(options.targets[name], options.effects)]));
  const counts = new Map(names.map((name) => [name, noCounts()]));
  const violations: Violation[] = [];
  for (let done = 0; done < options.count && options.signal?.aborted !== true; done += 1) {
    const caseNumber = options.from + done;
    const provider = names[caseNumber % names.length] ?? '';
    const [under, tally] = [opened.get(provider), counts.get(provider)];
    if (under === undefined || tally === undefined) continue;
    const random = randomOf(options.seed, caseNumber);
    const wrong = [...(await verifyOne(under, random, tally)), ...translateOne(under, random, tally)];
    violations.push(...wrong.map((what) => ({ provider, caseNumber, what })));
    if (violations.length >= VIOLATIONS_MAX) break;
    if (done % 1_000 === 999) options.onProgress?.(done + 1);
  }
  return { counts, violations };
}

interface Opened {
  readonly target: FuzzTarget;
  readonly verify: Verifier;
  readonly verifyOther: Verifier;
}

function open(target: FuzzTarget | undefined, effects: ProviderEffects): Opened {
  if (target === undefined) throw new Error('there is no such target');
  const { provider, settings, otherSettings } = target;
  return {
    target,
    verify: provider.createVerifier(settings, effects),
    verifyOther: provider.createVerifier(otherSettings, effects),
  };
}

async function verifyOne(under: Opened, random: Random, tally: FuzzCounts): Promise<readonly string[]> {
  const { target } = under;
  const genuine = target.sign(random.pick(target.bodies));
  const kind = random.below(50);
  tally.requests += 1;
  if (kind === 0) {
    tally.genuine += 1;
    const result = await judge(under.verify, genuine, fuzzedAt, tally);
    return result.accepted === null ? [`a genuine request was ${result.said}`] : result.wrong;
  }
  if (kind === 1) {
    const result = await judge(under.verifyOther, genuine, fuzzedAt, tally);
    return result.accepted === null ? result.wrong : ['a request was accepted under a secret it was not signed with'];
  }
  const other = target.sign(random.pick(target.bodies));
  const { change, request } = mutateRequest(genuine, other, random);
  const result = await judge(under.verify, request, fuzzedAt, tally);
  const forged = (result.accepted ?? []).filter(
    (event) =>
      !target.proves(genuine, { body: request.body, event }) && !target.proves(other, { body: request.body, event }),
  );
  return forged.length === 0 ? result.wrong : [...result.wrong, `${change} changed, and yet accepted`];
}

async function judge(verify: Verifier, request: SignedRequest, at: Date, tally: FuzzCounts) {
  const started = performance.now();
  try {
    const verification = await verify(request, at);
    tally[verification.kind] += 1;
    const slow = performance.now() - started > CASE_MS_MAX ? ['took longer than two seconds'] : [];
    const quotes =
      'reason' in verification && quotesSignature(verification.reason, request)
        ? ['its reason quotes a signature']
        : [];
    return {
      said: verification.kind,
      accepted: verification.kind === 'verified' ? verification.events : null,
      wrong: [...slow, ...quotes],
    };
  } catch (error) {
    return { said: 'an error', accepted: null, wrong: [`the verifier threw ${String(error).slice(0, 200)}`] };
  }
}

function quotesSignature(reason: string, { headers }: SignedRequest): boolean {
  return Object.entries(headers).some(
    ([name, values]) =>
      /sign|token|authorization|hash|hmac/.test(name) &&
      (values ?? []).some((value) => value.length >= 24 && reason.includes(value.slice(0, 24))),
  );
}

/** Translating what was signed as it is, and what was fetched: the provider itself may one day send it. */
function translateOne({ target }: Opened, random: Random, tally: FuzzCounts): readonly string[] {
  const { provider, answers } = target;
  const body = target.stored?.(random) ?? mutateJson(random.pick(target.bodies), random);
  const wrong = [...judgeFacts(() => provider.translate(body, target.settings), tally)];
  const [answer, ...others] = answers;
  if (answer === undefined) return wrong;
  const event = random.pick(target.bodies);
  const fetched = mutateJson(random.pick([answer, ...others]), random);
  return [...wrong, ...judgeFacts(() => provider.confirmation?.translate(event, fetched) ?? [], tally)];
}

function judgeFacts(translate: () => readonly PaymentFact[], tally: FuzzCounts): readonly string[] {
  tally.translated += 1;
  try {
    const facts = translate();
    if (facts.length > 0) tally.withFacts += 1;
    const unfit = facts.filter((fact) => !paymentFactSchema.safeParse(fact).success);
    return unfit.length === 0 ? [] : ['a fact is not of the canonical vocabulary'];
  } catch (error) {
    return error instanceof Error && error.name === 'PermanentError'
      ? []
      : [`the translation threw ${String(error).slice(0, 200)}`];
  }
}

function noCounts(): FuzzCounts {
  return { requests: 0, genuine: 0, verified: 0, malformed: 0, rejected: 0, undecided: 0, translated: 0, withFacts: 0 };
}
