import type { Provider } from '../../provider.ts';
import { translateGenericHmac } from './translate.ts';
import { createGenericHmacVerifier } from './verify.ts';

export const genericHmac: Provider = {
  id: 'generic-hmac',
  mediaType: null,
  eventTypes: null,
  documentation: {
    title: 'Any provider that signs JSON with an HMAC',
    signatureIn: 'the header that `signature.header` names',
    window: '300 seconds either way where `timestamp` is set, configurable; none without',
    retries: 'the sender decides',
    covers: 'nothing of itself: events are stored and ignored',
    setup: [
      'Add an endpoint at the provider with the URL /webhooks/<endpoint>.',
      'Set `signature`, `algorithm` and `signed`, and `timestamp` where a time is signed, as its documentation describes them.',
      'Say in `event` where id, type and time of an event are; an id in a header is signed only where `signed` holds {id}.',
      'Set its signing secret as the first of `secrets`, and `secretEncoding` where the key is not its text.',
    ],
    source: "the provider's own documentation; RFC 2104",
  },
  createVerifier: createGenericHmacVerifier,
  translate: translateGenericHmac,
  statesSameEvent: (stored, received) => stored.equals(received),
};
