/** Where `skep` begins: as little as possible before it is known what is asked. */
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fitsNode, NODE_VERSION_MIN } from './node-version.ts';
import { cacheDir } from './places.ts';

if (!fitsNode(process.versions.node)) {
  process.stderr.write(
    `skep needs Node.js ${NODE_VERSION_MIN} or newer, this is ${process.versions.node}. bin/skep brings one along.\n`,
  );
  process.exit(2);
}

// bin/skep.mjs has done so already, with its reasons; this is for whoever starts without it.
enableCompileCache(join(cacheDir({ env: process.env, home: homedir() }), 'compile'));

const { main } = await import('./process.ts');
await main();
