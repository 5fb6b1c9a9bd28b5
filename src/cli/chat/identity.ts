/** The key by which a client is known at a hub, in the file and form of AgentChat. */
import { createHash, createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { usageFailure } from '../exit.ts';

const schema = z.looseObject({
  publicKey: z.string(),
  privateKey: z.string(),
  agentId: z.string(),
  name: z.string(),
});
export type Identity = z.output<typeof schema>;

/** Where it lies unless said: `~/.agentchat/identity.json`, or a named one beside it. */
export const identityPath = (home: string, name?: string): string =>
  name === undefined
    ? join(home, '.agentchat', 'identity.json')
    : join(home, '.agentchat', 'identities', `${name}.json`);

/** Undefined where there is none. */
export function readIdentity(path: string): Identity | undefined {
  if (!existsSync(path)) return undefined;
  const parsed = schema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (parsed.success) return parsed.data;
  throw usageFailure(`${path} holds no identity`, 'skep chat identity --create --identity FILE makes one');
}

/** Makes one with mode 0600; a file that is there is left alone. */
export function makeIdentity(path: string, name: string): Identity {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  const identity = {
    publicKey: pem,
    privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    agentId: createHash('sha256').update(pem).digest('hex').slice(0, 16),
    name,
    created: new Date().toISOString(),
    rotations: [],
  };
  const made = mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, `${JSON.stringify(identity, null, 2)}\n`, { flag: 'wx', mode: 0o600 });
  chmodSync(path, 0o600);
  // A folder that was there is somebody's own, and what git sees in it is not ours to say.
  if (made !== undefined) writeFileSync(join(dirname(path), '.gitignore'), '*\n');
  return identity;
}

export const signText = (identity: Identity, text: string): string =>
  sign(null, Buffer.from(text), createPrivateKey(identity.privateKey)).toString('base64');
