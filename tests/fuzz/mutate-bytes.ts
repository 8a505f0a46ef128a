import type { Random } from './random.ts';

/** The bytes with one or a few things wrong with them. Never the bytes themselves. */
export function mutateBytes(bytes: Buffer, random: Random): Buffer {
  for (;;) {
    const mutated = random.pick(mutations)(bytes, random);
    if (!mutated.equals(bytes)) return mutated;
  }
}

type Mutation = (bytes: Buffer, random: Random) => Buffer;

const mutations: readonly [Mutation, ...Mutation[]] = [
  flipBits,
  flipBits,
  (bytes, random) =>
    splice(bytes, { at: random.below(bytes.length + 1), remove: 0, insert: random.bytes(1 + random.below(8)) }),
  (bytes, random) =>
    splice(bytes, { at: random.below(bytes.length), remove: 1 + random.below(16), insert: Buffer.alloc(0) }),
  (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  (bytes, random) => bytes.subarray(random.below(bytes.length)),
  (bytes, random) => Buffer.concat([bytes, random.bytes(1 + random.below(64))]),
  (bytes, random) => Buffer.concat([bytes, Buffer.from(random.pick([' ', '\n', '\0', '\r\n', '\ufeff', '}']))]),
  (bytes) => Buffer.concat([bytes, bytes]),
  (bytes) => Buffer.concat([Buffer.from('\ufeff'), bytes]),
  (bytes, random) =>
    Buffer.from(
      bytes.toString('latin1').replace(/[0-9]/g, () => String(random.below(10))),
      'latin1',
    ),
  (_bytes, random) => random.bytes(random.below(256)),
  (bytes, random) =>
    splice(bytes, {
      at: random.below(bytes.length),
      remove: random.below(4),
      insert: Buffer.from(random.pick(['\u0000', '\ud800', '‮', '１２', '\u200b', '"', '\\', '<!--', '${', '%00'])),
    }),
];

function flipBits(bytes: Buffer, random: Random): Buffer {
  const flipped = Buffer.from(bytes);
  for (let count = 1 + random.below(3); count > 0 && flipped.length > 0; count -= 1) {
    const at = random.below(flipped.length);
    flipped.writeUInt8(flipped.readUInt8(at) ^ (1 << random.below(8)), at);
  }
  return flipped;
}

function splice(
  bytes: Buffer,
  change: { readonly at: number; readonly remove: number; readonly insert: Buffer },
): Buffer {
  return Buffer.concat([bytes.subarray(0, change.at), change.insert, bytes.subarray(change.at + change.remove)]);
}
