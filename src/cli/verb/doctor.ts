/** `skep doctor`: is this machine fit, and what is to be done? */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Check } from '../doctor.ts';
import { examine } from '../doctor.ts';
import { EXIT } from '../exit.ts';
import { findSettings } from '../find-settings.ts';
import { nodeOptions } from '../node-options.ts';
import { stateDir } from '../places.ts';
import { showJson } from '../show.ts';
import { paint } from '../table.ts';
import { counted, printableLine } from '../text.ts';
import type { Leaf } from '../verb.ts';
import type { World } from '../world.ts';

const STYLES = { ok: 'green', warn: 'yellow', fail: 'red' } as const;

export const doctor: Leaf = {
  name: 'doctor',
  summary: 'check this machine and say what to do',
  about:
    'Looks at ./data where there is one, else at this machine’s own node; options as for skep up.\nExit code 1 when a check failed; warnings do not count.',
  options: [...nodeOptions(), { flags: '--config <file>', about: 'another configuration file' }],
  examples: [
    ['skep doctor', 'before the first start, or when something is wrong'],
    ['skep doctor --json', 'for a program: [{"name":…,"state":…,"found":…,"todo":…}]'],
  ],
  run: async (given, world) => {
    const here = resolve(world.cwd, './data');
    const dataDir = existsSync(here) ? here : stateDir(world);
    const settings = await findSettings(given, world, { usesFile: true, fallbacks: { dataDir } });
    const checks = await examine(settings, world.now());
    if (given.json) showJson(checks, world);
    else show(checks, world);
    return checks.some((check) => check.state === 'fail') ? EXIT.negative : EXIT.ok;
  },
};

function show(checks: readonly Check[], world: World): void {
  for (const { name, state, found, todo } of checks) {
    const word = paint(world.out, STYLES[state], state.padEnd(4));
    world.out.write(`${word}  ${name.padEnd(14)}  ${printableLine(found)}\n`);
    if (todo !== undefined) world.out.write(`${' '.repeat(22)}${todo}\n`);
  }
  const failed = checks.filter((check) => check.state === 'fail').length;
  const warned = checks.filter((check) => check.state === 'warn').length;
  const sum = failed > 0 ? `${counted(failed, 'check')} failed` : 'This machine is fit';
  world.out.write(`\n${sum}${warned > 0 ? `, ${counted(warned, 'warning')}` : ''}.\n`);
}
