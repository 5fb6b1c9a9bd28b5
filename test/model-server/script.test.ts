import { describe, expect, it } from 'vitest';
import { scriptOf, Scripts } from '#model-server/script.ts';

const steps = (prompt: string): unknown => {
  const script = scriptOf(prompt);
  return script.kind === 'steps' ? script.steps : script;
};
const next = (scripts: Scripts, prompt: string, results = 0) => scripts.next({ prompt, results, hasTools: true });

describe('a script in a prompt', () => {
  it('is the last one, taken by its brackets: shell text may hold both of its ends', () => {
    const prompt =
      'Do <<stub [{"text":"old"}]>> or <<stub [{"bash":"cat <<E >> f\\n]]>>\\nE"},{"text":"a ] \\" b"}]>> please';
    expect(steps(prompt)).toMatchObject([
      { bash: 'cat <<E >> f\n]]>>\nE' },
      { text: 'a ] " b', chunks: 4, delayMs: 5 },
    ]);
  });

  it('that cannot be read is told as an error of the request', () => {
    expect(scriptOf('none').kind).toBe('none');
    expect(scriptOf('<<stub [{"text":1}]>>').kind).toBe('bad');
    expect(scriptOf('<<stub [{"text":"open"').kind).toBe('bad');
    expect(scriptOf('<<stub []>>').kind).toBe('bad');
    expect(next(new Scripts(), '<<stub [{"text":1}]>>').step).toMatchObject({ status: 400 });
  });

  it('goes a step further with each answer of a tool, and stays at its last', () => {
    const scripts = new Scripts();
    const prompt = '<<stub [{"bash":"a"},{"bash":"b"},{"text":"c"}]>>';
    expect([0, 1, 2, 3].map((results) => next(scripts, prompt, results).index)).toEqual([0, 1, 2, 2]);
  });

  it('fails so many times, then goes on; each prompt has its own count', () => {
    const scripts = new Scripts();
    const prompt = '<<stub [{"status":429,"times":2,"then":{"text":"recovered"}}]>>';
    const said = [1, 2, 3].map(() => next(scripts, prompt).step);
    expect(said.map((step) => step.status ?? step.text)).toEqual([429, 429, 'recovered']);
    expect(next(scripts, `other ${prompt}`).step.status).toBe(429);
  });

  it('is not played for a request without tools: CLIs ask for titles by the way', () => {
    const asked = new Scripts().next({ prompt: '<<stub [{"status":500}]>>', results: 0, hasTools: false });
    expect(asked.step).toMatchObject({ text: 'Scripted answer' });
  });

  it('that is missing is answered by the prompt’s first words', () => {
    expect(next(new Scripts(), 'x'.repeat(100)).step.text).toBe(`OK (stub): ${'x'.repeat(60)}`);
  });
});
