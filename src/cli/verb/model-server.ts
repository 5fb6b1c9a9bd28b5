/** `skep model-server`: the real agent CLIs without an account and without cost. No node is asked. */
import { randomBytes } from 'node:crypto';
import { CommandFailure, EXIT } from '../exit.ts';
import { printableLine } from '../text.ts';
import type { Leaf } from '../verb.ts';

const PORT = 8787;

export const modelServer: Leaf = {
  name: 'model-server',
  summary: 'a scripted model on loopback, to try agents without an account',
  about:
    'Speaks Anthropic Messages, OpenAI Responses and chat completions, and Gemini; does what a script in the prompt says:\n' +
    '  <<stub [{"bash":"echo x >> f && git add -A && git commit -qm m"},{"text":"committed"}]>>\n' +
    'Keys of a step: text, chunks, delayMs, thinking, preText, bash, tool, input, extra, status, times, then, hang, drop, usage;\n' +
    'docs/model-server.md has them all. A prompt without a script is answered by its first words.',
  options: [
    { flags: '--port <port>', about: `where it listens on 127.0.0.1; 0 for a free one (${PORT})`, kind: 'whole' },
    { flags: '--key <key>', about: 'what clients must send as their API key (made anew at each start)' },
  ],
  examples: [
    ['skep model-server', 'prints what to put into the environment of claude and codex'],
    ['skep model-server --json', 'a line of JSON for each request'],
  ],
  run: async (given, world) => {
    const { startModelServer } = await import('#model-server/server.ts');
    const key = given.text('key') ?? randomBytes(18).toString('base64url');
    const stopped = Promise.withResolvers<void>();
    const off = world.onInterrupt(() => stopped.resolve());
    const server = await startModelServer({
      port: given.whole('port') ?? PORT,
      key,
      onServed: (served) => {
        if (given.json) {
          world.out.write(`${JSON.stringify(served)}\n`);
          return;
        }
        const { method, path, status, dialect, step, prompt, note } = served;
        const words = [method, path, status, dialect ?? '-', `step ${step}`, JSON.stringify(prompt), note ?? ''];
        world.out.write(`${printableLine(words.join('  '))}\n`);
      },
    }).catch((cause: unknown) => {
      off();
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new CommandFailure(EXIT.negative, `the model server cannot start: ${why}`, { cause });
    });
    if (given.json) world.out.write(`${JSON.stringify({ event: 'up', url: server.url, key })}\n`);
    else world.out.write(welcome(server.url, key));
    await stopped.promise;
    off();
    await server.close();
    return EXIT.ok;
  },
};

const welcome = (url: string, key: string): string => `A scripted model answers at ${url}. Ctrl-C stops it.

Claude Code   ANTHROPIC_BASE_URL=${url} ANTHROPIC_AUTH_TOKEN=${key} claude --permission-mode manual
Codex         in config.toml: model_provider = "stub", and
              [model_providers.stub]
              name = "stub"
              base_url = "${url}/v1"
              wire_api = "responses"
              env_key = "STUB_KEY"
              then: STUB_KEY=${key} codex
OpenCode      in opencode.json: a provider "stub" with "npm": "@ai-sdk/openai-compatible" and
              "options": { "baseURL": "${url}/v1", "apiKey": "${key}" }
Gemini CLI    GOOGLE_GEMINI_BASE_URL=${url} GEMINI_API_KEY=${key} gemini
A prompt      Say hello. <<stub [{"bash":"echo hello"},{"text":"done"}]>>

`;
