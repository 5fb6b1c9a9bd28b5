/** How the far end is started: by ssh on the login node, or here where the shared file system is. */
import { fileURLToPath } from 'node:url';
import type { LaunchConfig } from '../launch/config.ts';
import { baseOf, programOf } from '../launch/script.ts';

const SKEP = fileURLToPath(new URL('../../../bin/skep.mjs', import.meta.url));

/**
 * A connection of its own for its whole life: one that is shared with others would end with them. Without an answer for 15 s it counts as lost; the
 * words are plain (the configuration's schema), so that the shell of the login node has nothing to read in them.
 */
export function farEndCommand(config: LaunchConfig): readonly [string, ...string[]] {
  const args = ['slurm', 'far-end', '--base', baseOf(config)];
  const { login_alias: alias, config_file: file } = config.ssh;
  if (alias === null) return [process.execPath, SKEP, ...args];
  const options = ['BatchMode=yes', 'ControlPath=none', 'ServerAliveInterval=5', 'ServerAliveCountMax=3'];
  return [
    'ssh',
    '-T',
    ...(file === undefined ? [] : ['-F', file]),
    ...options.flatMap((option) => ['-o', option]),
    alias,
    '--',
    programOf(config),
    ...args,
  ];
}
