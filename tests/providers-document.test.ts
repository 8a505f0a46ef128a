import path from 'node:path';
import { expect, test } from 'vitest';
import { renderProviders } from '@penstock/core/providers/document';

test('docs/PROVIDERS.md says what the registry holds', async () => {
  await expect(renderProviders()).toMatchFileSnapshot(path.join(import.meta.dirname, '../docs/PROVIDERS.md'));
});
