/** The end of a relay that lies inside of a box: a port of the box's own loopback, which leads to the socket that its node shows there. */
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { pipeline } from 'node:stream';

const LOOPBACK = '127.0.0.1';
/** What tools insist on having. The credential is the node's, which looks at no other. */
const PLACEHOLDER = 'skep-relay';

export type RelayEnd = { port: number; close(): void };

/** Port 0 for any. Resolves when it listens; undefined where another end of this box has the port. Rejects when the system refuses. */
export function openRelayEnd(o: { socket: string; port: number }): Promise<RelayEnd | undefined> {
  const clients = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (client) => {
    clients.add(client);
    client.once('close', () => clients.delete(client));
    const node = connect({ path: o.socket, allowHalfOpen: true });
    // A node that is away: the tool sees a connection that breaks, and tries again.
    const cut = (error: unknown): void => {
      if (error === null || error === undefined) return;
      client.destroy();
      node.destroy();
    };
    pipeline(client, node, cut);
    pipeline(node, client, cut);
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      if ('code' in error && error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(o.port, LOOPBACK, () => {
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : o.port,
        close: () => {
          server.close();
          for (const client of clients) client.destroy();
        },
      });
    });
  });
}

/** What a box has of its own is asked without its node. */
const OWN = `${LOOPBACK},localhost,::1`;

/** By what tools find it: the names that Claude Code, the libraries of OpenAI and Gemini CLI read; git, npm, pip, curl and Node for their proxy. */
export function relayEnvironment(port: number): Record<string, string> {
  const url = `http://${LOOPBACK}:${port}`;
  return {
    ANTHROPIC_BASE_URL: url,
    ANTHROPIC_AUTH_TOKEN: PLACEHOLDER,
    OPENAI_BASE_URL: `${url}/v1`,
    OPENAI_API_KEY: PLACEHOLDER,
    GOOGLE_GEMINI_BASE_URL: url,
    GEMINI_API_KEY: PLACEHOLDER,
    HTTP_PROXY: url,
    HTTPS_PROXY: url,
    http_proxy: url,
    https_proxy: url,
    NO_PROXY: OWN,
    no_proxy: OWN,
    NODE_USE_ENV_PROXY: '1',
    OPENCODE_CONFIG_CONTENT: openCodeConfig(`${url}/v1`),
    // What they tell their makers, and fetch for themselves, has nowhere to go.
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    DISABLE_AUTOUPDATER: '1',
  };
}

/** OpenCode reads no variable for an address; what stands here counts beside its own files. */
const openCodeConfig = (baseURL: string): string => {
  const options = { baseURL, apiKey: PLACEHOLDER };
  return JSON.stringify({
    autoupdate: false,
    share: 'disabled',
    provider: { anthropic: { options }, openai: { options } },
  });
};
