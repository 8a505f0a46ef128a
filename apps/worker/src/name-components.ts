/**
 * Which names are one payment: names that a fact uses together belong together
 * (union-find, with path halving and union by size).
 */
export interface NameComponents {
  /** Joins these names of one account, and returns the number of one of them. */
  readonly join: (account: string, names: readonly string[]) => number;
  /** The names that were new since this was last asked, each with its number. */
  readonly takeNew: () => readonly NamedNode[];
  /** The component of every name so far. */
  readonly roots: () => Iterable<{ readonly node: number; readonly component: number }>;
}

/** A name, and the number that stands for it alone. */
export interface NamedNode {
  readonly account: string;
  readonly reference: string;
  readonly node: number;
}

export function createNameComponents(): NameComponents {
  const nodes = new Map<string, number>();
  let fresh: NamedNode[] = [];
  const parents: number[] = [];
  const sizes: number[] = [];

  const rootOf = (node: number): number => {
    let at = node;
    for (;;) {
      const parent = parents[at] ?? at;
      if (parent === at) return at;
      const grandparent = parents[parent] ?? parent;
      parents[at] = grandparent;
      at = grandparent;
    }
  };

  const nodeOf = (account: string, name: string): number => {
    const key = `${account}\n${name}`;
    const known = nodes.get(key);
    if (known !== undefined) return known;
    const node = parents.length;
    nodes.set(key, node);
    fresh.push({ account, reference: name, node });
    parents.push(node);
    sizes.push(1);
    return node;
  };

  const union = (one: number, other: number): number => {
    const [a, b] = [rootOf(one), rootOf(other)];
    if (a === b) return a;
    const [small, large] = (sizes[a] ?? 1) < (sizes[b] ?? 1) ? [a, b] : [b, a];
    parents[small] = large;
    sizes[large] = (sizes[large] ?? 1) + (sizes[small] ?? 1);
    return large;
  };

  return {
    join: (account, names) => {
      const [first = 0, ...rest] = names.map((name) => nodeOf(account, name));
      return rest.reduce(union, first);
    },
    takeNew: () => {
      const taken = fresh;
      fresh = [];
      return taken;
    },
    *roots() {
      for (const node of parents.keys()) yield { node, component: rootOf(node) };
    },
  };
}
