import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Copy, DockerfileParser, Env, From, type Instruction } from 'dockerfile-ast';
import * as z from 'zod';

/** The repository's root. */
export const repository = path.join(import.meta.dirname, '../..');
export const dockerfileText = readFileSync(path.join(repository, 'deploy/Dockerfile'), 'utf8');

/** One stage of deploy/Dockerfile, with what it takes over from the stage it is built on. */
export interface Stage {
  readonly name: string;
  /** What it is built on: another stage, an image, or `scratch`. */
  readonly base: string;
  readonly env: Readonly<Record<string, string>>;
  readonly user: string | null;
  readonly workdir: string;
  readonly entrypoint: readonly string[] | null;
  /** Null where there is none. */
  readonly healthcheck: readonly string[] | null;
  readonly ports: readonly string[];
  /** The stages whose files it copies. */
  readonly copiedFrom: readonly string[];
}

/** The stages by name, in the file's order. */
export function readStages(text: string): ReadonlyMap<string, Stage> {
  const stages = new Map<string, Stage>();
  let current: Stage | null = null;
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    if (instruction instanceof From) current = stageOf(instruction, stages);
    else if (current !== null) current = withInstruction(current, instruction);
    if (current !== null) stages.set(current.name, current);
  }
  return stages;
}

function stageOf(from: From, stages: ReadonlyMap<string, Stage>): Stage {
  const base = from.getImage() ?? '';
  const name = from.getBuildStage() ?? base;
  const inherited = stages.get(base);
  if (inherited !== undefined) return { ...inherited, name, base };
  return {
    name,
    base,
    env: {},
    user: null,
    workdir: '/',
    entrypoint: null,
    healthcheck: null,
    ports: [],
    copiedFrom: [],
  };
}

function withInstruction(stage: Stage, instruction: Instruction): Stage {
  const content = instruction.getRawArgumentsContent() ?? '';
  switch (instruction.getKeyword()) {
    case 'ENV':
      return { ...stage, env: { ...stage.env, ...propertiesOf(instruction) } };
    case 'USER':
      return { ...stage, user: content };
    case 'WORKDIR':
      return { ...stage, workdir: content };
    case 'ENTRYPOINT':
      return { ...stage, entrypoint: words(content) };
    case 'HEALTHCHECK':
      return { ...stage, healthcheck: content === 'NONE' ? null : words(content.slice(content.indexOf('['))) };
    case 'EXPOSE':
      return { ...stage, ports: content.split(/\s+/) };
    case 'COPY': {
      const from = instruction instanceof Copy ? instruction.getFromFlag()?.getValue() : undefined;
      return typeof from === 'string' ? { ...stage, copiedFrom: [...stage.copiedFrom, from] } : stage;
    }
    default:
      return stage;
  }
}

function propertiesOf(instruction: Instruction): Record<string, string> {
  if (!(instruction instanceof Env)) return {};
  return Object.fromEntries(instruction.getProperties().map((one) => [one.getName(), one.getValue() ?? '']));
}

/** The exec form: a JSON array. The shell form throws; these images have no shell. */
function words(json: string): readonly string[] {
  return z.array(z.string()).parse(JSON.parse(json));
}
