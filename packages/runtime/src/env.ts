import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { ConfigurationError } from '@penstock/core/failure';
import { hideSecret } from '@penstock/core/masking/secrets';

/**
 * One setting of a process: its name, meaning, limits, default and secrecy in
 * one place. Documentation and the start-up log derive from it.
 */
export interface Setting<Value> {
  readonly name: string;
  readonly about: string;
  readonly secret: boolean;
  /** Shown in documentation; absent where the setting must be given. */
  readonly fallback?: string;
  /** Reads the raw text, or undefined where the variable is unset. */
  readonly read: (raw: string | undefined) => { readonly value: Value } | { readonly problem: string };
}

export type Environment = Readonly<Record<string, string | undefined>>;

type Values<Settings extends Record<string, Setting<unknown>>> = {
  readonly [Key in keyof Settings]: Settings[Key] extends Setting<infer Value> ? Value : never;
};

/**
 * Reads every setting, `NAME` or the file that `NAME_FILE` names. Throws one
 * ConfigurationError that lists all problems; the values of secrets never
 * appear in it, nor in anything that is masked from then on.
 */
export function readSettings<Settings extends Record<string, Setting<unknown>>>(
  settings: Settings,
  environment: Environment,
): Values<Settings> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(settings)) {
    const raw = readVariable(setting.name, environment);
    if (setting.secret && raw.kind === 'value' && raw.value !== undefined) hideSecret(raw.value);
    const reading = raw.kind === 'problem' ? { problem: raw.problem } : setting.read(raw.value);
    if ('problem' in reading) problems.push(`${setting.name} ${reading.problem} (${setting.about})`);
    else values[key] = reading.value;
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  // The loop above has read every key of Settings, each with its own reader.
  return z.custom<Values<Settings>>().parse(values);
}

type VariableReading =
  | { readonly kind: 'value'; readonly value: string | undefined }
  | { readonly kind: 'problem'; readonly problem: string };

/** An unset and an empty variable or file are the same: shells and manifests blur them. */
export function readVariable(name: string, environment: Environment): VariableReading {
  const direct = environment[name];
  const file = environment[`${name}_FILE`];
  if (direct !== undefined && direct !== '' && file !== undefined && file !== '') {
    return { kind: 'problem', problem: `is set both directly and through ${name}_FILE; remove one` };
  }
  if (file === undefined || file === '') return { kind: 'value', value: direct === '' ? undefined : direct };
  try {
    const content = readFileSync(file, 'utf8').trim();
    return { kind: 'value', value: content === '' ? undefined : content };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    return { kind: 'problem', problem: `could not be read from the file that ${name}_FILE names: ${code}` };
  }
}

interface About {
  readonly name: string;
  readonly about: string;
  readonly secret?: boolean;
}

/** A text that must be given. `pattern` comes with words for what it expects. */
export function requiredText(
  options: About & { readonly pattern?: RegExp; readonly expects?: string },
): Setting<string> {
  return {
    ...base(options),
    read: (raw) => {
      if (raw === undefined) return { problem: 'is missing' };
      if (options.pattern !== undefined && !options.pattern.test(raw))
        return { problem: `must be ${options.expects ?? 'of another form'}` };
      return { value: raw };
    },
  };
}

/** A text that may be left out. */
export function optionalText(
  options: About & { readonly pattern?: RegExp; readonly expects?: string },
): Setting<string | undefined> {
  const required = requiredText(options);
  return {
    ...base(options),
    fallback: '–',
    read: (raw) => (raw === undefined ? { value: undefined } : required.read(raw)),
  };
}

/** Texts with commas between; none where it is left out. */
export function list(
  options: About & { readonly pattern: RegExp; readonly expects: string; readonly most: number },
): Setting<readonly string[]> {
  return {
    ...base(options),
    fallback: '–',
    read: (raw) => {
      const parts = (raw ?? '').split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]));
      return parts.length > options.most || parts.some((part) => !options.pattern.test(part) || !URL.canParse(part))
        ? { problem: `must be at most ${options.most} of ${options.expects}` }
        : { value: parts };
    },
  };
}

/** A text with a default. */
export function text(
  options: About & { readonly fallback: string; readonly pattern?: RegExp; readonly expects?: string },
): Setting<string> {
  const required = requiredText(options);
  return { ...base(options), fallback: options.fallback, read: (raw) => required.read(raw ?? options.fallback) };
}

interface Range extends About {
  readonly min: number;
  readonly max: number;
}

/** A whole number within limits, with a default. */
export function integer(options: Range & { readonly fallback: number }): Setting<number> {
  return {
    ...base(options),
    fallback: String(options.fallback),
    read: (raw) => (raw === undefined ? { value: options.fallback } : readInteger(raw, options)),
  };
}

/** A whole number within limits that may be left out. */
export function optionalInteger(options: Range & { readonly fallbackAbout: string }): Setting<number | undefined> {
  return {
    ...base(options),
    fallback: options.fallbackAbout,
    read: (raw) => (raw === undefined ? { value: undefined } : readInteger(raw, options)),
  };
}

/** One of a few words, with a default. */
export function oneOf<const Word extends string>(
  options: About & { readonly words: readonly Word[]; readonly fallback: Word },
): Setting<Word> {
  return {
    ...base(options),
    fallback: options.fallback,
    read: (raw) => {
      const word = options.words.find((candidate) => candidate === (raw ?? options.fallback));
      return word === undefined ? { problem: `must be one of ${options.words.join(', ')}` } : { value: word };
    },
  };
}

function base(options: About): { readonly name: string; readonly about: string; readonly secret: boolean } {
  return { name: options.name, about: options.about, secret: options.secret ?? false };
}

function readInteger(raw: string, range: Range): { readonly value: number } | { readonly problem: string } {
  const value = Number(raw);
  if (!/^-?\d+$/.test(raw) || value < range.min || value > range.max)
    return { problem: `must be a whole number from ${range.min} to ${range.max}` };
  return { value };
}
