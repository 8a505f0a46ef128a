import { userInfo } from 'node:os';
import { parseArgs } from 'node:util';
import { conflictKinds } from '@penstock/core/conflict';
import { ConfigurationError } from '@penstock/core/failure';
import * as z from 'zod';

const numbers = z
  .string()
  .regex(/^\d{1,15}$/)
  .transform(Number);

const argumentsSchema = z
  .object({
    command: z.enum(['list', 'show', 'resolve', 'dismiss'], { error: 'say list, show, resolve or dismiss' }),
    id: numbers.default(0),
    kind: z.enum(conflictKinds, { error: `--kind must be one of ${conflictKinds.join(', ')}` }).optional(),
    account: z.string().optional(),
    state: z.enum(['open', 'resolved', 'dismissed', 'all'], {
      error: '--state must be open, resolved, dismissed or all',
    }),
    limit: numbers.pipe(z.int().min(1).max(1_000)),
    after: numbers.optional(),
    wait: numbers.pipe(z.int().max(3_600)),
    reason: z.string().min(1).max(500).optional(),
    by: z.string().min(1).max(100),
    json: z.boolean(),
    help: z.boolean(),
  })
  .refine(({ command, id, help }) => help || command === 'list' || id > 0, 'name one conflict by its number')
  .refine(
    ({ command, reason }) => command !== 'dismiss' || reason !== undefined,
    '--reason must say why it can be let be',
  );

/** What `pnpm conflicts` was asked for. Throws ConfigurationError. */
export function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        kind: { type: 'string' },
        account: { type: 'string' },
        state: { type: 'string', default: 'open' },
        limit: { type: 'string', default: '50' },
        after: { type: 'string' },
        wait: { type: 'string', default: '30' },
        reason: { type: 'string' },
        by: { type: 'string', default: userInfo().username },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', default: false },
      },
    });
    const [command = 'list', id, more] = positionals;
    if (more !== undefined) throw new Error('name one conflict');
    return argumentsSchema.parse({ ...values, command, id });
  } catch (error) {
    if (error instanceof z.ZodError)
      throw new ConfigurationError(
        error.issues.map(({ path, message }) =>
          path.length === 0 || message.startsWith('--') ? message : `${path.join('.')}: ${message}`,
        ),
      );
    throw new ConfigurationError([error instanceof Error ? error.message : String(error)]);
  }
}
