import { createRequire } from 'node:module';
import type { JobsOptions, Queue } from 'bullmq';
import * as z from 'zod';
import type { RedisClient } from './redis.ts';

/** A job to be added. */
export interface NewJob {
  readonly jobId: string;
  readonly name: string;
  readonly data: unknown;
}

/** Adds jobs that have the same options, and tells the name each id is stored under: another's, where it was known. */
export type AddJobs = (jobs: readonly NewJob[], options: JobsOptions) => Promise<readonly string[]>;

/**
 * Adds many jobs by one script call: BullMQ's own script, unchanged, in a loop.
 * Redis writes what one script did to its log as one, so that a crash keeps all
 * of them or none. What is stored is what BullMQ's `add` stores, but for the id
 * that it repeats among the options (add-jobs-together.test.ts compares). It
 * takes a quarter of the processor time of `addBulk` and a look at each name
 * (decision 0030).
 */
export function addJobsTogether(redis: RedisClient, queue: Pick<Queue, 'keys' | 'toKey'>): AddJobs {
  const standard = define(redis, { script: 'addStandardJob', keys: standardKeys, queue });
  const prioritized = define(redis, { script: 'addPrioritizedJob', keys: prioritizedKeys, queue });
  return (jobs, options) => ((options.priority ?? 0) === 0 ? standard : prioritized)(jobs, options);
}

/** The keys each script of BullMQ is given, in its order. */
const standardKeys = ['wait', 'paused', 'meta', 'id', 'completed', 'delayed', 'active', 'events', 'marker'];
const prioritizedKeys = ['marker', 'meta', 'id', 'prioritized', 'delayed', 'completed', 'active', 'events', 'pc'];

function define(
  redis: RedisClient,
  {
    script,
    keys,
    queue,
  }: {
    readonly script: 'addStandardJob' | 'addPrioritizedJob';
    readonly keys: readonly string[];
    readonly queue: Pick<Queue, 'toKey'>;
  },
): AddJobs {
  const lua = inALoop(scriptNamed(script, keys.length));
  const keyNames = keys.map((key) => queue.toKey(key));
  const command = `penstock:${script}`;
  redis.defineCommand(command, { numberOfKeys: keys.length, lua });
  const run = commandNamed(redis, command);
  return async (jobs, options) => {
    const given = [...keyNames, queue.toKey(''), JSON.stringify(options)];
    const timestamp = String(Date.now());
    for (const { jobId, name, data } of jobs) given.push(jobId, name, timestamp, JSON.stringify(data));
    return namesSchema.parse(await run(given));
  };
}

const namesSchema = z.array(z.string());

/**
 * BullMQ's script as a function of its KEYS and ARGV, called for each job. What
 * it gives back, an id or an error about a parent that no job here has, is not
 * asked for: the name that is stored says whose job it is.
 */
function inALoop(content: string): string {
  return `local function add(KEYS, ARGV)
${content}
end
local options = cmsgpack.pack(cjson.decode(ARGV[2]))
local names = {}
for position = 3, #ARGV, 4 do
  local id, name, timestamp, data = ARGV[position], ARGV[position + 1], ARGV[position + 2], ARGV[position + 3]
  add(KEYS, { cmsgpack.pack({ ARGV[1], id, name, timestamp }), data, options })
  names[#names + 1] = redis.call('HGET', ARGV[1] .. id, 'name')
end
return names`;
}

const scriptSchema = z.object({ name: z.string(), content: z.string(), keys: z.number() });

/** From BullMQ's package, where it is a file of its own; a release that moves or changes it is found out at the start. */
function scriptNamed(name: string, keys: number): string {
  const file: unknown = createRequire(import.meta.url)(`bullmq/dist/cjs/scripts/${name}-${keys}.js`);
  const script = z.object({ [name]: scriptSchema }).parse(file)[name];
  if (script === undefined || script.keys !== keys) throw new Error(`BullMQ's ${name} is not the script it was`);
  return script.content;
}

/** ioredis makes a method of each command that is defined, which its types cannot know. */
function commandNamed(redis: RedisClient, name: string): (given: readonly string[]) => Promise<unknown> {
  const command: unknown = Reflect.get(redis, name);
  if (typeof command !== 'function') throw new Error(`ioredis did not define ${name}`);
  return async (given) => Reflect.apply(command, redis, [given]);
}
