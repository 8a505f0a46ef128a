import { isPersonal } from '@penstock/core/masking/mask-text';

/** Keeps the first values of a label and makes `other` of those that come after them, and of one that names a person. */
export function createLabelLimit(valuesMax: number): (value: string) => string {
  const known = new Set<string>();
  return (value) => {
    if (known.has(value)) return value;
    if (known.size >= valuesMax || isPersonal(value)) return 'other';
    known.add(value);
    return value;
  };
}

/** The same, for each endpoint by itself. */
export function createEndpointLabel(valuesMax: number): (endpoint: string, value: string) => string {
  const limits = new Map<string, (value: string) => string>();
  return (endpoint, value) => {
    const limit = limits.get(endpoint) ?? createLabelLimit(valuesMax);
    limits.set(endpoint, limit);
    return limit(value);
  };
}

/**
 * Event types come from outside. Those that the provider documents are told
 * apart; of a sender who makes up its own, the first `madeUpMax` of an endpoint.
 */
export function createTypeLabel(options: {
  /** Null where senders make up their own, undefined for no provider of ours. */
  readonly typesOf: (provider: string) => readonly string[] | null | undefined;
  readonly madeUpMax: number;
}): (event: { readonly provider: string; readonly endpoint: string; readonly type: string }) => string {
  const documented = new Map<string, ReadonlySet<string> | null>();
  const madeUp = createEndpointLabel(options.madeUpMax);
  return ({ provider, endpoint, type }) => {
    let types = documented.get(provider);
    if (types === undefined) {
      const listed = options.typesOf(provider);
      if (listed === undefined) return 'other';
      types = listed === null ? null : new Set(listed);
      documented.set(provider, types);
    }
    if (types === null) return madeUp(endpoint, type);
    return types.has(type) ? type : 'other';
  };
}
