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

// Compiled code is kept in the user's own folder: in a shared one, somebody else could have put it there. Not working is not a fault.
enableCompileCache(join(cacheDir({ env: process.env, home: homedir() }), 'compile'));

const { main } = await import('./process.ts');
await main();
