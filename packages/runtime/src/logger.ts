import { maskFields } from '@penstock/core/masking/mask-fields';
import { maskJson, setMaskKey } from '@penstock/core/masking/mask-text';
import { pino, type LogFn, type Logger } from 'pino';
import { reportErrorLine } from './error-reports.ts';
import { standardOutput } from './standard-output.ts';

export type { Logger };

/** Loaded on a terminal alone: where nobody looks it would be a twentieth of a process's start. */
const pretty = process.stdout.isTTY ? (await import('pino-pretty')).default : null;

/**
 * The process's logger: JSON lines, or a readable form on a terminal. Each
 * line carries the process's name; `time` is ISO 8601. Personal data is masked
 * twice: by the names of fields, and then in the finished line, whoever wrote
 * it (docs/PRIVACY.md). `maskKey` makes the tokens, here and in failures.
 */
export function createLogger(options: {
  readonly name: string;
  readonly level: string;
  readonly maskKey: string;
}): Logger {
  setMaskKey(options.maskKey);
  const settings = {
    name: options.name,
    level: options.level,
    base: { process: options.name, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }), log: tell },
    hooks: { streamWrite: maskJson, logMethod: alsoReport },
  };
  if (pretty !== null)
    return pino(
      settings,
      pretty({ colorize: true, ignore: 'pid,process', messageFormat: '{process}: {msg}', sync: true }),
    );
  return pino(settings, standardOutput());
}

function tell(line: object): Record<string, unknown> {
  const told = maskFields(line);
  return isRecord(told) ? told : {};
}

function isRecord(told: unknown): told is Record<string, unknown> {
  return typeof told === 'object' && told !== null;
}

const ERROR = pino.levels.values['error'] ?? 50;

/** A line that needs somebody is also told to the configuration's `reportError`. */
function alsoReport(this: Logger, given: Parameters<LogFn>, method: LogFn, level: number): void {
  if (level >= ERROR) {
    const [line, message]: readonly unknown[] = given;
    reportErrorLine({ ...this.bindings(), ...fieldsOf(line) }, typeof message === 'string' ? message : '', Date.now());
  }
  method.apply(this, given);
}

function fieldsOf(line: unknown): object {
  if (line instanceof Error) return { error: line };
  return typeof line === 'object' && line !== null ? line : {};
}
