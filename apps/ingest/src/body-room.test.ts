import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createBodyRoom, type BodyPlace, type BodyRoom } from './body-room.ts';

/** A body that is being read; it leaves where its place is taken, as a reader does. */
function enter(room: BodyRoom, taken: string[], name: string): BodyPlace {
  const place = room.enter();
  place.onLack((reason) => taken.push(`${name}: ${reason}`));
  return place;
}

describe('the room for bodies', () => {
  test('takes from the one that has been arriving for the longest where too many are in hand', () => {
    const room = createBodyRoom({ requestsMax: 2, bytesMax: 10_000 });
    const taken: string[] = [];
    enter(room, taken, 'slow');
    const whole = enter(room, taken, 'whole');
    whole.arrived();
    expect(enter(room, taken, 'new').lack).toBeNull();
    expect(taken).toEqual(['slow: requests']);
    expect(room.held().requests).toBe(2);
  });

  test('has none for a newcomer where all that are in hand have arrived', () => {
    const room = createBodyRoom({ requestsMax: 2, bytesMax: 10_000 });
    const [one, other] = [room.enter(), room.enter()];
    one.arrived();
    other.arrived();
    const late = room.enter();
    expect(late.lack).toBe('requests');
    expect(late.grow(1)).toBe(false);
    late[Symbol.dispose]();
    one[Symbol.dispose]();
    expect(room.enter().lack).toBeNull();
    expect(room.held().requests).toBe(2);
  });

  test('takes from the one that holds most where the bytes are too many, and a small one never goes for a large one', () => {
    const room = createBodyRoom({ requestsMax: 100, bytesMax: 10_000 });
    const taken: string[] = [];
    const [large, larger, small] = ['large', 'larger', 'small'].map((name) => enter(room, taken, name));
    expect(large?.grow(4_000)).toBe(true);
    expect(larger?.grow(5_000)).toBe(true);
    expect(small?.grow(1_400)).toBe(true);
    expect(taken).toEqual(['larger: body_bytes']);
    expect(large?.grow(6_000)).toBe(false);
  });

  test('bears one body of any size where it is alone', () => {
    const room = createBodyRoom({ requestsMax: 100, bytesMax: 1_000 });
    expect(room.enter().grow(10_000)).toBe(true);
  });

  test('counts pieces by what they cost: a body that comes by the byte', () => {
    const room = createBodyRoom({ requestsMax: 100, bytesMax: 100_000 });
    const genuine = room.enter();
    const dripping = room.enter();
    let pieces = 0;
    while (dripping.grow(1)) pieces += 1;
    expect(pieces).toBeLessThan(1_000);
    dripping[Symbol.dispose]();
    expect(genuine.grow(1_400)).toBe(true);
  });

  test('is never held beyond its limits, and is empty again once all have left', () => {
    const act = fc.oneof(
      fc.constant({ kind: 'enter' as const }),
      fc.record({ kind: fc.constant('grow' as const), who: fc.nat(20), bytes: fc.integer({ min: 1, max: 2_000 }) }),
      fc.record({ kind: fc.constantFrom('arrived' as const, 'leave' as const), who: fc.nat(20) }),
    );
    fc.assert(
      fc.property(fc.array(act, { maxLength: 200 }), (acts) => {
        const room = createBodyRoom({ requestsMax: 5, bytesMax: 5_000 });
        const places: BodyPlace[] = [];
        for (const one of acts) {
          if (one.kind === 'enter') {
            const place = room.enter();
            place.onLack(() => place[Symbol.dispose]());
            if (place.lack === null) places.push(place);
            continue;
          }
          const place = places[one.who % Math.max(1, places.length)];
          const hasRoom = one.kind === 'grow' && place?.grow(one.bytes);
          if (one.kind === 'grow' && hasRoom === false) place?.[Symbol.dispose]();
          if (one.kind === 'arrived') place?.arrived();
          if (one.kind === 'leave') place?.[Symbol.dispose]();
          expect(room.held().requests).toBeLessThanOrEqual(5);
          if (hasRoom === true && room.held().requests > 1) expect(room.held().bytes).toBeLessThanOrEqual(5_000);
        }
        for (const place of places) place[Symbol.dispose]();
        expect(room.held()).toEqual({ requests: 0, bytes: 0 });
      }),
    );
  });

  test('takes from the oldest that is still arriving, whichever have arrived or left before', () => {
    const act = fc.record({ kind: fc.constantFrom('enter', 'enter', 'arrived', 'leave'), who: fc.nat(20) });
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
        const room = createBodyRoom({ requestsMax: 5, bytesMax: 5_000 });
        const taken: string[] = [];
        const places: BodyPlace[] = [];
        /** By name, in the order they came. */
        let arriving: string[] = [];
        for (const { kind, who } of acts) {
          const position = who % Math.max(1, places.length);
          if (kind !== 'enter') {
            if (kind === 'arrived') places[position]?.arrived();
            else places[position]?.[Symbol.dispose]();
            arriving = arriving.filter((name) => name !== String(position));
            continue;
          }
          const goes = room.held().requests === 5 ? arriving.shift() : null;
          const place = enter(room, taken, String(places.length));
          expect(place.lack).toBe(goes === undefined ? 'requests' : null);
          expect(taken.splice(0)).toEqual(typeof goes === 'string' ? [`${goes}: requests`] : []);
          if (place.lack === null) arriving.push(String(places.length));
          places.push(place);
        }
      }),
    );
  });
});
