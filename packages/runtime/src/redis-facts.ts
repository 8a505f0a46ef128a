/** What Redis says of itself. */
export interface RedisFacts {
  readonly memoryUsedBytes: number;
  /** 0 where there is no limit. */
  readonly memoryMaxBytes: number;
  readonly aofLastWriteOk: boolean;
  readonly replicas: number;
  /** How far the slowest connected replica is behind; null without replicas. */
  readonly replicaLagBytes: number | null;
}

/** Of several masters the worst of each: the fullest one's memory, the fewest replicas, the longest lag. */
export function worstOf([first, ...others]: readonly RedisFacts[]): RedisFacts | null {
  if (first === undefined) return null;
  return others.reduce((worst, facts) => {
    const fullest = fullness(facts) > fullness(worst) ? facts : worst;
    const lags = [worst.replicaLagBytes, facts.replicaLagBytes].filter((lag) => lag !== null);
    return {
      memoryUsedBytes: fullest.memoryUsedBytes,
      memoryMaxBytes: fullest.memoryMaxBytes,
      aofLastWriteOk: worst.aofLastWriteOk && facts.aofLastWriteOk,
      replicas: Math.min(worst.replicas, facts.replicas),
      replicaLagBytes: lags.length === 0 ? null : Math.max(...lags),
    };
  }, first);
}

/** Where there is no limit, the one that uses more is the fuller. */
function fullness({ memoryUsedBytes, memoryMaxBytes }: RedisFacts): number {
  return memoryMaxBytes === 0 ? memoryUsedBytes / Number.MAX_SAFE_INTEGER : memoryUsedBytes / memoryMaxBytes;
}

/** Reads an answer to INFO. What it does not name counts as 0, or as not well. */
export function redisFactsOf(info: string): RedisFacts {
  const fields = new Map(
    [...info.matchAll(/^(?<name>\w+):(?<value>[^\r\n]*)/gm)].map(({ groups }) => [groups?.['name'], groups?.['value']]),
  );
  const number = (name: string): number => Number(fields.get(name) ?? 0);
  const written = number('master_repl_offset');
  // slave0:ip=10.0.0.2,port=6379,state=online,offset=1234,lag=0
  const offsets = [...fields].flatMap(([name, value]) => {
    const offset = /^slave\d+$/.test(name ?? '')
      ? /\boffset=(?<offset>\d+)/.exec(value ?? '')?.groups?.['offset']
      : undefined;
    return offset === undefined ? [] : [Number(offset)];
  });
  return {
    memoryUsedBytes: number('used_memory'),
    memoryMaxBytes: number('maxmemory'),
    aofLastWriteOk: fields.get('aof_enabled') === '1' && fields.get('aof_last_write_status') === 'ok',
    replicas: offsets.length,
    replicaLagBytes: offsets.length === 0 ? null : Math.max(0, written - Math.min(...offsets)),
  };
}
