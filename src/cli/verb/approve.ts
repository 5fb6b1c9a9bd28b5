/** `skep approve` and `skep deny`: answers to what agents ask. */
import { z } from 'zod';
import { approvalSchema, read } from '../answers.ts';
import { ask } from '../client.ts';
import { EXIT } from '../exit.ts';
import { withNode } from '../find-node.ts';
import { shortId } from '../short-id.ts';
import { showJson } from '../show.ts';
import { printableLine } from '../text.ts';
import type { Leaf } from '../verb.ts';

const resultsSchema = z.object({
  results: z.array(
    z.object({
      id: z.string(),
      approval: approvalSchema.nullable(),
      refusal: z.object({ error: z.string() }).nullable(),
    }),
  ),
});

const answering = (decision: 'allow' | 'deny', leaf: Pick<Leaf, 'name' | 'summary' | 'about' | 'examples'>): Leaf => ({
  ...leaf,
  args: [['<id...>', 'as skep approvals shows them']],
  options: [{ flags: '--note <text>', about: 'told to the agent; for a question, the answer to it' }],
  asksNode: true,
  run: (given, world) =>
    withNode(given, world, async (node) => {
      const note = given.text('note') ?? null;
      const [first, ...others] = given.args;
      if (first !== undefined && others.length === 0) {
        const path = `/api/approvals/${encodeURIComponent(first)}`;
        const answer = await ask(node, { method: 'POST', path, body: { decision, note } });
        if (given.json) return showJson(answer, world);
        const one = read(approvalSchema, answer);
        world.out.write(`${shortId(one.id)} ${one.state}: ${printableLine(one.title)}\n`);
        return EXIT.ok;
      }
      const body = { ids: given.args, decision, note };
      const answer = await ask(node, { method: 'POST', path: '/api/approvals', body });
      const { results } = read(resultsSchema, answer);
      if (given.json) showJson(answer, world);
      else
        for (const { id, approval, refusal } of results) {
          if (approval !== null)
            world.out.write(`${shortId(approval.id)} ${approval.state}: ${printableLine(approval.title)}\n`);
          else world.err.write(`${printableLine(id)}: ${printableLine(refusal?.error ?? 'refused')}\n`);
        }
      return results.every(({ approval }) => approval !== null) ? EXIT.ok : EXIT.refused;
    }),
});

export const approve = answering('allow', {
  name: 'approve',
  summary: 'allow what agents ask',
  about:
    'Each is decided once, by the node of its agent: whoever comes second is told who was first, with exit code 3.',
  examples: [
    ['skep approve 3fa9c1d2-12', 'the agent goes on'],
    ['skep approve 3fa9c1d2-12 3fa9c1d2-15', 'several at once'],
    ['skep approve 3fa9c1d2-17 --note "port 8080"', 'the answer to a question'],
  ],
});

export const deny = answering('deny', {
  name: 'deny',
  summary: 'deny what agents ask',
  about: 'The agent is told the note, and goes on without.',
  examples: [['skep deny 3fa9c1d2-12 --note "push to a branch of your own"', 'the agent reads why']],
});
