import type { Provider } from '../../provider.ts';
import { words } from '../../words.ts';
import { translateGithub } from './translate.ts';
import { createGithubVerifier } from './verify.ts';

export const github: Provider = {
  id: 'github',
  mediaType: 'application/json',
  eventTypes: words(`
    unsigned/ping unsigned/push unsigned/issues unsigned/issue_comment unsigned/pull_request unsigned/check_run
    unsigned/check_suite unsigned/workflow_run unsigned/workflow_job unsigned/release unsigned/create
    unsigned/delete unsigned/deployment unsigned/deployment_status unsigned/installation unsigned/sponsorship
    unsigned/marketplace_purchase
  `),
  documentation: {
    title: 'GitHub',
    signatureIn: '`X-Hub-Signature-256`: `sha256=<hex>`; `X-GitHub-Event` and `X-GitHub-Delivery` are not signed',
    window: 'none: no time is signed',
    retries: 'none: a failed delivery is sent again only by hand or through the API',
    covers: 'nothing about payments: every event is stored and ignored',
    setup: [
      'Add a webhook in the settings of the repository, organization or app with the URL /webhooks/<endpoint>.',
      'Choose the content type application/json.',
      'Enter a secret of your choice there and as the first of `secrets`.',
    ],
    source:
      'octokit/webhooks-methods.js src/node/verify.ts; docs.github.com/webhooks/using-webhooks/handling-failed-webhook-deliveries',
  },
  createVerifier: createGithubVerifier,
  translate: translateGithub,
  statesSameEvent: (stored, received) => stored.equals(received),
};
