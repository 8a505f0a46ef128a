import type { ErrorReport } from '@penstock/core/error-report';
import { maskFields } from '@penstock/core/masking/mask-fields';
import { maskJson } from '@penstock/core/masking/mask-text';
import * as z from 'zod';

type ReportError = (report: ErrorReport) => unknown;

/** More in a minute is one fault told again and again; the log has them all. */
const REPORTS_A_MINUTE = 60;

/** What the process tells errors to. As with the mask key, it is the process's own: any error line anywhere is one. */
let hook: ReportError | undefined;
let minute = 0;
let told = 0;

/** Sets what is told of every line at `error` or above; nothing where the configuration names none. */
export function reportErrorsTo(given: ReportError | undefined): void {
  hook = given;
  told = 0;
}

/**
 * Tells the configuration's `reportError` of an error line, masked as the line
 * is. Never throws, waits for nothing, and tells no more than sixty a minute.
 */
export function reportErrorLine(line: unknown, message: string, now: number): void {
  if (hook === undefined) return;
  const thisMinute = Math.floor(now / 60_000);
  if (thisMinute !== minute) told = 0;
  minute = thisMinute;
  told += 1;
  if (told > REPORTS_A_MINUTE) return;
  try {
    const fields = z
      .record(z.string(), z.unknown())
      .catch({})
      .parse(JSON.parse(maskJson(JSON.stringify(maskFields(line) ?? {}))));
    const { error, ...context } = fields;
    const { type, message: reason, stack, code } = errorFields.parse(error);
    void Promise.resolve(hook({ message, error: { type, message: reason, stack, code }, context })).catch(
      () => undefined,
    );
  } catch {
    // A reporter that fails must not make two faults of one; the line itself is in the log.
  }
}

const errorFields = z
  .object({
    type: z.string().default('Error'),
    message: z.string().default(''),
    stack: z.string().nullable().default(null),
    code: z.string().nullable().default(null),
  })
  .catch({ type: 'Error', message: '', stack: null, code: null });
