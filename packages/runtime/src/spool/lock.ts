import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ConfigurationError } from '@penstock/core/failure';

/**
 * Holds a folder for this process alone. The lock is the kernel's, on a file in
 * the folder, taken through SQLite because Node has no call for it: it goes
 * with the process however that ends, and holds between containers that share
 * the folder. Throws ConfigurationError where another process has it.
 */
export function lockFolder(dir: string): Disposable {
  const database = new DatabaseSync(path.join(dir, 'lock'));
  try {
    database.exec('pragma locking_mode = exclusive; pragma busy_timeout = 0; begin exclusive');
  } catch (cause) {
    database.close();
    // SQLITE_BUSY; anything else is the folder's fault and says so itself.
    if (cause instanceof Error && 'errcode' in cause && cause.errcode === 5)
      throw new ConfigurationError([
        `SPOOL_DIR ${dir} is used by another process; give each ingest a folder of its own`,
      ]);
    throw cause;
  }
  return { [Symbol.dispose]: () => database.close() };
}
