import type { Setting } from './env.ts';
import { version } from './version.ts';

/** How a process explains itself. */
export interface ProcessDescription {
  readonly name: string;
  /** A sentence or two. */
  readonly does: string;
  readonly settings: Readonly<Record<string, Setting<unknown>>>;
}

/** After sysexits.h: the command was used incorrectly. */
const EXIT_USAGE = 64;

/**
 * Whether a process is to start. It has its settings from its environment and
 * takes no arguments but `--help` and `--version`, which it answers; what else
 * it is given it refuses, rather than to start otherwise than was meant.
 */
export function mayStart(args: readonly string[], described: ProcessDescription): boolean {
  if (args.length === 0) return true;
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(usageOf(described));
    return false;
  }
  if (args.includes('--version')) {
    process.stdout.write(`${version}\n`);
    return false;
  }
  process.stderr.write(
    `${described.name} takes no argument "${args.join(' ')}": its settings are variables of its environment.\nSee --help.\n`,
  );
  process.exitCode = EXIT_USAGE;
  return false;
}

/** Where the meaning of a setting begins, and where it is broken off. */
const COLUMN = 28;
const WIDTH = 100;

/** Each setting with its meaning and default, in the order they are declared: that one may speak of the one before. */
export function usageOf({ name, does, settings }: ProcessDescription): string {
  const lines = Object.values(settings).map((setting) => {
    const told = `  ${setting.name}`;
    // A name that is too long has its meaning on the next line.
    const begin = told.length < COLUMN ? told.padEnd(COLUMN) : `${told}\n${' '.repeat(COLUMN)}`;
    return `${begin}${wrapped(`${setting.about}${remarkOn(setting)}`)}\n`;
  });
  return `Penstock's ${name}, ${version}. ${does}

Usage: --help, --version, or no argument at all: settings are variables of its
environment. Each may be given as a file's content too: NAME_FILE names the file.

${lines.join('')}`;
}

function wrapped(text: string): string {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last !== '' && last.length + 1 + word.length > WIDTH - COLUMN) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.join(`\n${' '.repeat(COLUMN)}`);
}

function remarkOn({ fallback, secret }: Setting<unknown>): string {
  const remarks = [
    ...(secret ? ['secret'] : []),
    ...(fallback === undefined ? ['must be set'] : fallback === '–' ? [] : [`default: ${fallback}`]),
  ];
  return remarks.length === 0 ? '' : ` (${remarks.join('; ')})`;
}
