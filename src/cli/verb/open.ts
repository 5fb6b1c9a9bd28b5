/** `skep open`: into the page without typing a token. */
import { spawn } from 'node:child_process';
import { platform } from 'node:os';
import { z } from 'zod';
import { read } from '../answers.ts';
import type { Client } from '../client.ts';
import { ask } from '../client.ts';
import { CommandFailure, EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { showJson } from '../show.ts';
import type { Leaf } from '../verb.ts';

const loginSchema = z.object({ path: z.string(), url: z.string().nullish() });

/** A link that logs one browser in, once. */
export async function loginLink(node: Client, role: string): Promise<{ link: string; answer: unknown }> {
  const answer = await ask(node, { method: 'POST', path: '/api/login-codes', body: { role } });
  const { path, url } = read(loginSchema, answer);
  // A node asked over HTTP is reached again where it was just reached; its own idea of its address may be another.
  if (/^https?:/.test(node.where)) return { link: `${node.where}${path}`, answer };
  if (url !== null && url !== undefined) return { link: url, answer };
  throw new CommandFailure(EXIT.negative, 'this node serves no page', {
    hints: ['its log says why HTTP does not listen'],
  });
}

export const openPage: Leaf = {
  name: 'open',
  summary: 'a link that logs a browser in, once',
  options: [
    { flags: '--browser', about: 'open it in the browser of this machine' },
    { flags: '--role <role>', about: 'what the browser may do', choices: ['operator', 'viewer'], fallback: 'operator' },
  ],
  examples: [
    ['skep open', 'print the link'],
    ['skep open --browser', 'and open it'],
  ],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const { link, answer } = await loginLink(node, given.text('role') ?? 'operator');
      if (given.json) showJson(answer, world);
      else world.out.write(`${link}\n`);
      if (given.flag('browser')) await openBrowser(link);
      return EXIT.ok;
    }),
};

/** Resolves when the opener has started; it goes on without us. */
function openBrowser(link: string): Promise<void> {
  const program = platform() === 'darwin' ? 'open' : 'xdg-open';
  return new Promise((resolve, reject) => {
    const opener = spawn(program, [link], { detached: true, stdio: 'ignore' });
    opener.once('error', (error) => {
      reject(
        new CommandFailure(EXIT.negative, `cannot open a browser: ${error.message}`, {
          hints: ['open the link above yourself'],
        }),
      );
    });
    opener.once('spawn', () => {
      opener.unref();
      resolve();
    });
  });
}
