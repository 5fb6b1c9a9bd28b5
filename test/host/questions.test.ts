import { describe, expect, it } from 'vitest';
import { parsedOpId } from '#core/brand.ts';
import type { AgentSession, PermissionAnswer, PermissionRequest } from '#agent-ports.ts';
import type { AgentDesk, Question } from '#host/agent-desk.ts';
import { Questions } from '#host/questions.ts';

const id = parsedOpId(`${'a'.repeat(32)}-1`);
const plan: Question['plan'] = Object.assign(Object.create(null), { task: id, attempt: 1, agent: { id } });
const request: PermissionRequest = {
  request: 'one',
  kind: 'command',
  tool: 'Bash',
  title: 'make',
  detail: 'make',
  cwd: null,
  paths: [],
};

/** Questions to a desk that answers when the test says so. */
function scene() {
  const asked: Question[] = [];
  const given: [string, PermissionAnswer][] = [];
  const answers: PromiseWithResolvers<PermissionAnswer | undefined>[] = [];
  const desk: Pick<AgentDesk, 'ask' | 'stands'> = {
    ask: (question) => {
      asked.push(question);
      const answer = Promise.withResolvers<PermissionAnswer | undefined>();
      answers.push(answer);
      return answer.promise;
    },
    stands: () => {},
  };
  const session: Pick<AgentSession, 'answer'> = {
    answer: async (name, answer) => void given.push([name, answer]),
  };
  const questions = new Questions({ plan, cwd: '/', tell: () => {}, session, desk });
  return { questions, asked, given, answers };
}

const allow: PermissionAnswer = { behavior: 'allow', message: '' };

describe('what an agent asked in one attempt', () => {
  it('is asked once while it is open, and told once', async () => {
    const { questions, asked, given, answers } = scene();
    questions.on({ kind: 'permission', request });
    questions.on({ kind: 'permission', request });
    expect(asked).toHaveLength(1);
    answers[0]?.resolve(allow);
    await expect.poll(() => given).toEqual([['one', allow]]);
  });

  it('is void with the reason why nobody waits, and hears no answer after that', async () => {
    const { questions, asked, given, answers } = scene();
    questions.on({ kind: 'permission', request });
    questions.on({ kind: 'permission_closed', request: 'one' });
    questions.on({ kind: 'permission', request });
    answers[0]?.resolve(allow);
    questions.on({ kind: 'permission', request: { ...request, request: 'two' } });
    questions.close('detached');
    expect(asked.map(({ closed }) => closed.reason)).toEqual(['withdrawn', 'detached', 'detached']);
    answers[1]?.resolve(allow);
    await Promise.all(answers.slice(0, 2).map(({ promise }) => promise));
    await new Promise((resolve) => void setImmediate(resolve));
    expect(given).toEqual([]);
    const other = scene();
    other.questions.on({ kind: 'permission', request });
    other.questions.close('ended');
    expect(other.asked[0]?.closed.reason).toBe('ended');
  });
});
