/** `skep detect`: what an application needs beyond its own text. No node is asked. */
import { resolve } from 'node:path';
import type { Detection, Place } from '#compile/detect.ts';
import { withCompiler } from '../compiler.ts';
import { EXIT } from '../exit.ts';
import { showJson } from '../show.ts';
import { paint } from '../table.ts';
import { counted, printableLine } from '../text.ts';
import type { Leaf } from '../verb.ts';
import type { World } from '../world.ts';

/** Places shown of one thing; `--json` has all. */
const PLACES_MAX = 3;

export const detect: Leaf = {
  name: 'detect',
  summary: 'what an application needs: built-ins, packages, add-ons, environment',
  about:
    'Reads the application from its entry point on, through all its packages, with a real parser and resolver; runs nothing\n' +
    'of it. Places are those of the application itself; --packages adds those inside packages.',
  args: [['[app-dir]', 'its folder (.)']],
  options: [
    { flags: '--entry-point <file>', about: 'where it begins (bin or main of package.json)' },
    { flags: '--packages', about: 'also what packages import and read from the environment' },
  ],
  examples: [
    ['skep detect ./my-app', 'a summary with file and line'],
    ['skep detect ./my-app --json', 'all of it, for a program'],
  ],
  run: async (given, world) => {
    const found = await withCompiler(async () => {
      const { inspectApp } = await import('#compile/detect.ts');
      return inspectApp({
        dir: resolve(world.cwd, given.args[0] ?? '.'),
        entryPoint: given.text('entryPoint'),
        withPackages: given.flag('packages'),
      });
    });
    if (given.json) return showJson(found, world);
    world.out.write(`Detected in: ${printableLine(found.app_dir)} (from ${found.entry_points.join(', ')})\n`);
    for (const section of sections(found)) show(section, world);
    world.out.write(`\nTotal: ${total(found)}\n`);
    return EXIT.ok;
  },
};

type Section = { title: string; items: { text: string; at: readonly Place[] }[] };

function sections(found: Detection): Section[] {
  const named = ({ name, at }: { name: string; at: Place[] }) => ({ text: name, at });
  return [
    { title: 'Built-ins', items: found.builtins.map(named) },
    {
      title: 'Packages',
      items: found.packages
        .filter((one) => one.direct)
        .map(({ name, version, at }) => ({ text: `${name} ${version}`, at })),
    },
    { title: 'Native add-ons', items: found.addons.map((one) => ({ text: `${one.file} of ${one.package}`, at: [] })) },
    {
      title: 'Dynamic imports',
      items: found.dynamic_imports.map((one) => ({ text: one.specifier ?? '(made at run time)', at: [one] })),
    },
    { title: 'Environment', items: found.environment.map(named) },
    { title: 'Files beside modules', items: found.assets.map((one) => ({ text: one.path, at: [one] })) },
    {
      title: 'Must be files where they run',
      items: found.needs_disk.map(({ package: name, at }) => ({
        text: `${name}: ${[...new Set(at.map((one) => one.what))].join(', ')}`,
        at,
      })),
    },
    {
      title: 'Not installed',
      items: found.missing.map((one) => ({ text: `${one.specifier}${one.optional ? ' (optional)' : ''}`, at: [one] })),
    },
    { title: 'Not understood', items: found.unread.map((one) => ({ text: `${one.file}: ${one.why}`, at: [] })) },
  ];
}

function show({ title, items }: Section, { out }: World): void {
  if (items.length === 0) return;
  out.write(`\n${paint(out, 'bold', title)}\n`);
  for (const { text, at } of items) {
    const places = at.slice(0, PLACES_MAX).map((one) => `${one.file}:${one.line}`);
    const more = at.length > PLACES_MAX ? ` and ${at.length - PLACES_MAX} more` : '';
    out.write(
      `  - ${printableLine(text)}${places.length > 0 ? paint(out, 'dim', `  ${places.join(', ')}${more}`) : ''}\n`,
    );
  }
}

function total(found: Detection): string {
  const direct = found.packages.filter((one) => one.direct).length;
  return [
    counted(found.builtins.length, 'built-in'),
    `${counted(found.packages.length, 'package')} (${direct} direct)`,
    counted(found.addons.length, 'native add-on'),
    counted(found.dynamic_imports.length, 'dynamic import'),
    counted(found.environment.length, 'variable'),
    counted(found.modules, 'module'),
  ].join(', ');
}
