/** `skep slurm router` and the far end of its connection. */
import { hash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { CommandFailure, EXIT, usageFailure } from '../exit.ts';
import { stateDir } from '../places.ts';
import type { Leaf } from '../verb.ts';

/** codeswarm's own. */
const PORT = 8765;

export const router: Leaf = {
  name: 'router',
  summary: 'the agents of all allocations as one stream of events, and a door to them',
  about:
    'One connection (ssh, or a process here where ssh.login_alias is null) follows all outboxes and appends to the inboxes. What happens is\n' +
    'printed as JSON lines, and served with commands as codeswarm.router.v1 on loopback. A router that was killed goes on where it was.',
  options: [
    { flags: '--config <file>', about: 'the launcher’s configuration, JSON (docs/hpc.md); required' },
    {
      flags: '--port <port>',
      about: 'of the door on 127.0.0.1; 0 for any that is free',
      kind: 'whole',
      fallback: PORT,
    },
    { flags: '--no-door', about: 'events only' },
    { flags: '--state-dir <dir>', about: 'where it keeps its token and how far it has read' },
  ],
  examples: [['skep slurm router --config fleet.json', 'prints events; the token is in its state directory']],
  run: async (given, world) => {
    const [{ serveRouter }, { readConfig }, { LaunchRefusal }, { baseOf }] = await Promise.all([
      import('#slurm/router/serve.ts'),
      import('#slurm/launch/config.ts'),
      import('#slurm/launch/refusal.ts'),
      import('#slurm/launch/script.ts'),
    ]);
    const file = given.text('config');
    if (file === undefined) throw usageFailure('expected --config FILE: nothing of a site is known without it');
    try {
      const config = readConfig(resolve(world.cwd, file));
      const own = hash('sha256', JSON.stringify([config.ssh.login_alias, baseOf(config)])).slice(0, 12);
      const kept = given.text('stateDir');
      const directory = kept === undefined ? join(stateDir(world), 'routers', own) : resolve(world.cwd, kept);
      const asked = Promise.withResolvers<void>();
      const off = world.onInterrupt(() => asked.resolve());
      const served = await serveRouter({
        config,
        env: world.env,
        directory,
        port: given.options['door'] === false ? undefined : (given.whole('port') ?? PORT),
        nowMs: () => world.now(),
        print: (text) => new Promise((resolve) => process.stdout.write(text, () => resolve())),
        log: (line) => world.err.write(`${line}\n`),
      });
      if (served.port !== undefined) world.err.write(`door: 127.0.0.1:${served.port}, token in ${served.tokenFile}\n`);
      await asked.promise;
      off();
      await served.close();
      return EXIT.ok;
    } catch (error) {
      if (error instanceof LaunchRefusal) throw new CommandFailure(EXIT.refused, error.message, { cause: error });
      throw error;
    }
  },
};

export const farEnd: Leaf = {
  name: 'far-end',
  summary: 'what a router starts where the shared file system is',
  about: 'It speaks to its router by standard input and output, and ends with them.',
  options: [{ flags: '--base <dir>', about: 'the shared directory; required' }],
  examples: [['skep slurm far-end --base /scratch/you/fleet', 'by ssh, from skep slurm router']],
  run: async (given, world) => {
    const base = given.text('base');
    if (base === undefined) throw usageFailure('expected --base DIR');
    const { FarEnd } = await import('#slurm/router/far-end.ts');
    const { stdin: input, stdout: output } = process;
    await new FarEnd({
      base: resolve(world.cwd, base),
      input,
      output,
      version: world.version,
      nowMs: () => world.now(),
    }).run();
    return EXIT.ok;
  },
};
