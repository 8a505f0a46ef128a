import type { Generated } from 'kysely';

export interface ApiKeysTable {
  id: string;
  name: string;
  secret_sha256: Buffer;
  scopes: string[];
  created_at: Generated<Date>;
  expires_at: Date | null;
  revoked_at: Date | null;
  last_used_at: Date | null;
}
