/** `node patched-child.ts NAME`: loads the code with that mutant's changes, hunts for it, and prints what caught it as one line of JSON, or `null`. */
import { registerHooks } from 'node:module';
import type { StormKnobs } from '#sim/storm-knobs.ts';
import { changed, PATCHED } from './patches.ts';

const name = process.argv[2] ?? '';
const mutant = PATCHED[name];
if (mutant === undefined) throw new Error(`no mutant is named "${name}"`);

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const source =
      typeof loaded.source === 'string' ? loaded.source : new TextDecoder().decode(loaded.source ?? undefined);
    const text = changed(name, url, source);
    return text === source ? loaded : { ...loaded, source: text };
  },
});
// Loaded after the hooks are in place.
const { MAIL_STORM, OPTIMISTIC_STORM, SEALED_STORM } = await import('#sim/storm-knobs.ts');
const { huntInRaces, huntInSlots, huntInStorms } = await import('./hunt.ts');
const special: Partial<Record<string, StormKnobs>> = {
  sealed: SEALED_STORM,
  mail: MAIL_STORM,
  optimistic: OPTIMISTIC_STORM,
};
const storm = special[mutant.look];
const found =
  mutant.look === 'races'
    ? await huntInRaces()
    : mutant.look === 'explorer'
      ? huntInSlots()
      : await huntInStorms({ shows: mutant.shows, storms: storm === undefined ? undefined : [storm] });
process.stdout.write(`${JSON.stringify(found ?? null)}\n`);
