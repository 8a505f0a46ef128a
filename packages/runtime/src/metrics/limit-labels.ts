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
