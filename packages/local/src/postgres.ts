import { startEmbeddedPostgres } from './embedded-postgres.ts';
import { borrowedService, type LocalService, type OnProgress } from './local-service.ts';

/** Returns the PostgreSQL that `DATABASE_URL` names, else starts the embedded one with its data in `dir`. */
export async function obtainPostgres(options: {
  dir: string;
  onProgress?: OnProgress;
  settings?: Readonly<Record<string, string>>;
}): Promise<LocalService> {
  const url = process.env['DATABASE_URL'];
  if (url !== undefined && url !== '') return borrowedService(url);
  const { dir: dataDir, onProgress = () => {}, settings = {} } = options;
  return startEmbeddedPostgres({ dataDir, onProgress, settings });
}
