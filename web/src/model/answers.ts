/** Answering what agents ask. */
import { api } from './api.ts';
import type { Approval, Rule } from './frame.ts';
import type { RuleDraft } from './suggest.ts';

export type Decision = 'allow' | 'deny';

export const approvalPath = (id: string): string => `api/approvals/${encodeURIComponent(id)}`;

type Results = { results: { id: string; approval: Approval | null; refusal: { error: string } | null }[] };

/** What became of each, in words; `isDone` when all were decided as wished. */
export async function answerAll(
  asked: readonly Approval[],
  o: { decision: Decision; note: string },
): Promise<{ text: string; isDone: boolean }> {
  const body = { ids: asked.map(({ id }) => id), ...o };
  const { results } = await api<Results>('POST', 'api/approvals', body);
  const titles = new Map(asked.map(({ id, title }) => [id, title]));
  const refused = results.flatMap(({ id, refusal }) =>
    refusal === null ? [] : [`${titles.get(id) ?? id}: ${refusal.error}`],
  );
  const count = results.length - refused.length;
  const [first] = asked;
  const isAnswer = asked.length === 1 && first?.kind === 'question';
  const word = o.decision === 'deny' ? 'Denied' : isAnswer ? 'Answered' : 'Allowed';
  const done = count === 0 ? [] : [asked.length === 1 ? `${word}: ${first?.title ?? ''}` : `${word} ${count}.`];
  return { text: [...done, ...refused].join(' '), isDone: refused.length === 0 };
}

/** Makes rules that allow, and resolves when the request is decided, by one of them or by this person. */
export async function allowWithRules(asked: Approval, rules: readonly RuleDraft[], note: string): Promise<string> {
  for (const rule of rules) {
    const given = Object.entries(rule).filter(([, glob]) => glob !== '');
    await api<Rule>('POST', 'api/rules', { effect: 'allow', ...Object.fromEntries(given) });
  }
  const { text, isDone } = await answerAll([asked], { decision: 'allow', note });
  const made = rules.length === 1 ? 'The rule is made.' : `${rules.length} rules are made.`;
  if (isDone) return `${text}. ${made}`;
  // One of the rules was faster.
  const { state } = await api<Approval>('GET', approvalPath(asked.id));
  if (state === 'allowed') return `Allowed: ${asked.title}. ${made}`;
  throw new Error(`${made} ${text}`);
}
