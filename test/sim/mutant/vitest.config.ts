import { defineConfig } from 'vitest/config';
import { changed } from './patches.ts';

const mutant = process.env['SKEP_MUTANT'] ?? '';

/** One unit test over the code with a mutant's changes: see run.ts. Nothing is cached: what another mutant's run left is other code. */
export default defineConfig({
  plugins: [
    { name: 'mutant', enforce: 'pre', transform: (code, id) => ({ code: changed(mutant, id, code), map: null }) },
  ],
  test: {
    root: new URL('../../..', import.meta.url).pathname,
    pool: 'forks',
    fsModuleCache: false,
    reporters: [['json', { outputFile: process.env['SKEP_MUTANT_REPORT'] }]],
  },
});
