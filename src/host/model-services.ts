/**
 * Where this node reaches models for its boxed agents, and with which credential: as its own environment says, by the names that the tools
 * themselves read. A credential that is not there is looked for as a file of that name among the node's secrets, then in `/run/secrets`, where
 * engines of containers put those of a node that runs in one: read once, and kept in memory alone.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { refused } from '#door/refusal.ts';
import type { DoorRefusal } from '#door/refusal.ts';
import type { ModelService } from '#door/relay/model-paths.ts';
import type { Upstream } from '#door/relay/relay.ts';
import { codeOf } from '#runtime/refusal.ts';

type Credential = { name: string; headers: (value: string) => Record<string, string> };
type Service = {
  /** The variable that holds its address, and the address where it does not. */
  address: readonly [variable: string, fallback: string];
  /** The first that is there. */
  credentials: readonly Credential[];
};

/** Without it Anthropic takes no token of a login; its own tool sends it where it knows of one, and in a box it does not. */
const OAUTH_BETA = 'oauth-2025-04-20';
/** How tokens of a login begin, by whatever name they are given. */
const OAUTH_TOKEN = /^sk-ant-oat/;

const bearer = (value: string): Record<string, string> => ({ authorization: `Bearer ${value}` });

const SERVICES: Readonly<Record<ModelService, Service>> = {
  anthropic: {
    address: ['ANTHROPIC_BASE_URL', 'https://api.anthropic.com'],
    credentials: [
      { name: 'ANTHROPIC_AUTH_TOKEN', headers: bearer },
      { name: 'ANTHROPIC_API_KEY', headers: (value) => ({ 'x-api-key': value }) },
      { name: 'CLAUDE_CODE_OAUTH_TOKEN', headers: bearer },
    ],
  },
  openai: {
    address: ['OPENAI_BASE_URL', 'https://api.openai.com/v1'],
    credentials: [{ name: 'OPENAI_API_KEY', headers: bearer }],
  },
  gemini: {
    address: ['GOOGLE_GEMINI_BASE_URL', 'https://generativelanguage.googleapis.com'],
    credentials: [{ name: 'GEMINI_API_KEY', headers: (value) => ({ 'x-goog-api-key': value }) }],
  },
};

/** Where engines of containers show the secrets of what runs in one. */
const RUN_SECRETS = '/run/secrets';

export class ModelServices {
  readonly #environment: NodeJS.ProcessEnv;
  readonly #folders: readonly string[];
  /** What was read from files, by name. */
  readonly #read = new Map<string, string>();

  /** `secretDir`: `<data-dir>/secrets`. */
  constructor(o: { environment: NodeJS.ProcessEnv; secretDir: string; runSecrets?: string }) {
    this.#environment = o.environment;
    this.#folders = [o.secretDir, o.runSecrets ?? RUN_SECRETS];
  }

  upstream(service: ModelService): Upstream | DoorRefusal {
    const { address, credentials } = SERVICES[service];
    const url = this.#environment[address[0]] || address[1];
    if (!URL.canParse(url))
      return refused('driver_unavailable', `${address[0]} of this node is no address`, { expected: address[1] });
    for (const { name, headers } of credentials) {
      const value = this.#environment[name] || this.#secret(name);
      if (value === undefined) continue;
      const isLogin = name === 'CLAUDE_CODE_OAUTH_TOKEN' || (service === 'anthropic' && OAUTH_TOKEN.test(value));
      return { url, headers: headers(value), ...(isLogin ? { beta: OAUTH_BETA } : {}) };
    }
    const names = credentials.map(({ name }) => name).join(', ');
    return refused('driver_unavailable', `this node has no credential for models of ${service}`, {
      expected: `one of ${names}, in the environment of the node or as a file in ${this.#folders.join(' or ')}`,
    });
  }

  #secret(name: string): string | undefined {
    const held = this.#read.get(name);
    if (held !== undefined) return held;
    for (const folder of this.#folders) {
      const value = textIn(join(folder, name));
      if (value === undefined) continue;
      this.#read.set(name, value);
      return value;
    }
    return undefined;
  }
}

/** Undefined where there is no such file, or nothing in it. */
function textIn(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}
