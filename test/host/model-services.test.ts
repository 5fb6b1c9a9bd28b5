import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ModelServices } from '#host/model-services.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sk-services-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const services = (environment: NodeJS.ProcessEnv): ModelServices =>
  new ModelServices({ environment, secretDir: join(dir, 'secrets'), runSecrets: join(dir, 'run') });

function secret(folder: string, name: string, text: string): void {
  mkdirSync(join(dir, folder), { recursive: true });
  writeFileSync(join(dir, folder, name), text);
}

describe('where a node finds models', () => {
  it('is what its environment says, with what it holds', () => {
    const found = services({
      ANTHROPIC_BASE_URL: 'http://127.0.0.1:1',
      ANTHROPIC_AUTH_TOKEN: 'token',
      OPENAI_API_KEY: 'key',
      GEMINI_API_KEY: 'third',
    });
    expect(found.upstream('anthropic')).toEqual({
      url: 'http://127.0.0.1:1',
      headers: { authorization: 'Bearer token' },
    });
    expect(found.upstream('openai')).toEqual({
      url: 'https://api.openai.com/v1',
      headers: { authorization: 'Bearer key' },
    });
    expect(found.upstream('gemini')).toMatchObject({ headers: { 'x-goog-api-key': 'third' } });
  });

  it('takes a credential from a file where the environment has none, and reads it once', () => {
    const found = services({});
    expect(found.upstream('anthropic')).toMatchObject({ refused: true, expected: expect.stringContaining(dir) });
    secret('run', 'ANTHROPIC_API_KEY', 'of the engine\n');
    expect(found.upstream('anthropic')).toMatchObject({ headers: { 'x-api-key': 'of the engine' } });
    rmSync(join(dir, 'run'), { recursive: true });
    expect(found.upstream('anthropic')).toMatchObject({ headers: { 'x-api-key': 'of the engine' } });
  });

  it.each([
    ['CLAUDE_CODE_OAUTH_TOKEN', 'of a login', 'oauth-2025-04-20'],
    ['ANTHROPIC_AUTH_TOKEN', 'sk-ant-oat01-x', 'oauth-2025-04-20'],
    ['ANTHROPIC_AUTH_TOKEN', 'of a gateway', undefined],
    ['ANTHROPIC_API_KEY', 'sk-ant-api03-x', undefined],
  ])('says of %s as %s which beta it needs: %s', (name, value, beta) => {
    const found = services({ [name]: value }).upstream('anthropic');
    expect('beta' in found ? found.beta : undefined).toBe(beta);
  });

  it('asks the secrets of the node before those of an engine', () => {
    secret('run', 'OPENAI_API_KEY', 'of the engine');
    secret('secrets', 'OPENAI_API_KEY', 'of the node');
    expect(services({}).upstream('openai')).toMatchObject({ headers: { authorization: 'Bearer of the node' } });
  });

  it('says so where an address is none', () => {
    expect(services({ OPENAI_BASE_URL: 'nowhere', OPENAI_API_KEY: 'x' }).upstream('openai')).toMatchObject({
      refused: true,
      code: 'driver_unavailable',
    });
  });
});
