/** A real sshd on loopback with keys of its own, and what a client needs to know of it. As an ordinary user it serves only that user. */
import type { ChildProcess } from 'node:child_process';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../host/swarm.ts';

/** It runs itself anew for each connection, and must be named by its whole path for that. */
const SSHD = '/usr/sbin/sshd';
const KEYGEN = '/usr/bin/ssh-keygen';

export class SshLab {
  /** For `ssh -F`: the host `there` is known and lets this user in, `stranger` is the same one, whose key nobody knows, at `nobody` there is none. */
  readonly config: string;
  readonly #dir: string;
  readonly #sshd: ChildProcess;
  #said = '';

  /** `env`: of those who log in, beside their own. */
  static async open(o: { env?: Readonly<Record<string, string>> } = {}): Promise<SshLab> {
    const lab = new SshLab(mkdtempSync(join(tmpdir(), 'skep-ssh-')), await freePort(), o.env ?? {});
    await lab.#listening();
    return lab;
  }

  private constructor(dir: string, port: number, env: Readonly<Record<string, string>>) {
    this.#dir = dir;
    const key = (name: string): string => {
      execFileSync(KEYGEN, ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', join(dir, name)]);
      return readFileSync(join(dir, `${name}.pub`), 'utf8').trim();
    };
    const hostKey = key('host');
    writeFileSync(join(dir, 'authorized'), `${key('id')}\n`);
    writeFileSync(join(dir, 'known'), `[127.0.0.1]:${port} ${hostKey}\n`);
    writeFileSync(join(dir, 'sshd_config'), serverConfig(dir, port) + setEnv(env));
    this.config = join(dir, 'config');
    writeFileSync(this.config, clientConfig(dir, port), { mode: 0o600 });
    // Where sshd puts processes that have no rights yet, when it runs as root.
    if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true });
    this.#sshd = spawn(SSHD, ['-D', '-e', '-f', join(dir, 'sshd_config')], { stdio: ['ignore', 'ignore', 'pipe'] });
    this.#sshd.stderr?.on('data', (chunk: Buffer) => (this.#said += chunk.toString()));
  }

  get pid(): number | undefined {
    return this.#sshd.pid;
  }

  /** What the server wrote into its log. */
  said(): string {
    return this.#said;
  }

  /** Those who are connected are cut. */
  async close(): Promise<void> {
    if (this.#sshd.exitCode === null && this.#sshd.kill()) await once(this.#sshd, 'exit');
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #listening(): Promise<void> {
    const ended = once(this.#sshd, 'exit').then(() => Promise.reject(new Error(`sshd ended: ${this.#said}`)));
    ended.catch(() => {});
    while (!this.#said.includes('Server listening')) {
      if (this.#sshd.stderr === null) throw new Error('no standard error');
      await Promise.race([once(this.#sshd.stderr, 'data'), ended]);
    }
  }
}

const serverConfig = (dir: string, port: number): string => `ListenAddress 127.0.0.1
Port ${port}
HostKey ${join(dir, 'host')}
PidFile none
AuthorizedKeysFile ${join(dir, 'authorized')}
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
Subsystem sftp internal-sftp
`;

const setEnv = (env: Readonly<Record<string, string>>): string => {
  const pairs = Object.entries(env).map(([name, value]) => `"${name}=${value}"`);
  return pairs.length === 0 ? '' : `SetEnv ${pairs.join(' ')}\n`;
};

/** Port 1 is nobody's on loopback. */
const clientConfig = (dir: string, port: number): string => `Host nobody
  Port 1
Host *
  HostName 127.0.0.1
  Port ${port}
  User ${userInfo().username}
  IdentityFile ${join(dir, 'id')}
  IdentitiesOnly yes
  StrictHostKeyChecking yes
  GlobalKnownHostsFile /dev/null
Host there
  UserKnownHostsFile ${join(dir, 'known')}
Host stranger
  UserKnownHostsFile /dev/null
`;
