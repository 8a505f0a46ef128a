import { registerHooks } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { plants } from '../plants.ts';

// Loaded before a program: replaces text of the product as it is loaded. A
// plant whose text is not there any more ends the program instead of letting
// it pass for one without bugs.

const root = path.join(import.meta.dirname, '../../..');
const plant = plants.find(({ name }) => name === process.env['CHAOS_PLANT']);
if (plant === undefined) throw new Error('CHAOS_PLANT names no bug of plants.ts');

registerHooks({
  load: (url, context, nextLoad) => {
    const loaded = nextLoad(url, context);
    const file = url.startsWith('file:') ? path.relative(root, fileURLToPath(url)) : '';
    const edits = plant.edits.filter((edit) => edit.file === file);
    if (edits.length === 0 || loaded.source === null || loaded.source === undefined) return loaded;
    let source = typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source);
    for (const { from, to } of edits) {
      if (source.split(from).length !== 2) throw new Error(`the bug ${plant.name} no longer fits ${file}`);
      source = source.replace(from, () => to);
    }
    return { ...loaded, source };
  },
});
