/** `skep compile`: an application as one executable file. No node is asked. */
import { resolve } from 'node:path';
import { withCompiler } from '../compiler.ts';
import { EXIT, usageFailure } from '../exit.ts';
import type { Given } from '../given.ts';
import { showJson } from '../show.ts';
import { counted, printableLine, size } from '../text.ts';
import type { Leaf } from '../verb.ts';

export const compile: Leaf = {
  name: 'compile',
  summary: 'make one executable of an application',
  about:
    'Bundles the code, puts it into a copy of Node.js, and writes a manifest with hashes beside it. What cannot be bundled\n' +
    '(add-ons, code that loads what it names at run time) is carried along and unpacked at the first start into\n' +
    '$XDG_CACHE_HOME/skep-compiled. Needs the Node.js that scripts/install-runtime.sh brings; runs nothing of the application.',
  args: [['[app-dir]', 'its folder (.)']],
  options: [
    { flags: '--output <file>', about: 'the executable (<app-dir>/build/<name>)' },
    { flags: '--entry-point <file>', about: 'where it begins (bin or main of package.json)' },
    { flags: '--app-name <name>', about: 'its name (that of package.json)' },
    { flags: '--asset <path>', about: 'a file or folder to carry along; may be given again', kind: 'list' },
    {
      flags: '--set <NAME=value>',
      about: 'fill {{NAME}} in carried files that end in .template; may be given again',
      kind: 'list',
    },
    { flags: '--files', about: 'carry all code as files, also what could be bundled' },
  ],
  examples: [
    ['skep compile ./my-app --output=./build/my-app', 'build/my-app and build/my-app.manifest.json'],
    ['skep compile . --entry-point=src/server.ts --asset=public', 'with a folder the code does not name'],
  ],
  run: async (given, world) => {
    const output = given.text('output');
    const { manifest, manifestPath } = await withCompiler(async () => {
      const { compileApp } = await import('#compile/compile.ts');
      return compileApp({
        dir: resolve(world.cwd, given.args[0] ?? '.'),
        output: output === undefined ? undefined : resolve(world.cwd, output),
        entryPoint: given.text('entryPoint'),
        appName: given.text('appName'),
        assets: given.list('asset'),
        filesOnly: given.flag('files'),
        values: valuesOf(given),
        nowMs: world.now(),
        environment: world.env,
        onStep: (step) => world.err.write(`${printableLine(step)}\n`),
      });
    });
    if (given.json) return showJson(manifest, world);
    const { needs, files } = manifest;
    world.out.write(`${printableLine(manifest.output_path)}  ${size(manifest.output_bytes)}\n`);
    world.out.write(
      `${printableLine(manifestPath)}  ${counted(files.length, 'file')} to unpack, ${counted(manifest.packages.length, 'package')}\n`,
    );
    world.out.write(
      `Runs on ${needs.platform} ${needs.arch} with ${needs.libraries.join(', ')}; glibc ${needs.glibc ?? '-'}, libstdc++ symbols ${needs.libstdcxx ?? '-'} or newer.\n`,
    );
    return EXIT.ok;
  },
};

function valuesOf(given: Given): Record<string, string> {
  return Object.fromEntries(
    given.list('set').map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw usageFailure(`--set ${pair}: expected NAME=value`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}
