import { describe, expect, it } from 'vitest';
import { bodyOf, createMany, titlesOf } from '../../../web/src/model/new-tasks.ts';
import { templatesOf, valuesOf, withTemplate } from '../../../web/src/model/templates.ts';
import { taskOf } from './rows.ts';

const formOf = (fields: readonly (readonly [string, string])[]): FormData => {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  return form;
};

/** A node that answers each create in turn, and notes what was asked. */
function nodeThat(refusesAt: number) {
  const asked: unknown[] = [];
  const create = async (body: Record<string, unknown>) => {
    asked.push(JSON.parse(JSON.stringify(body)));
    if (asked.length - 1 === refusesAt) throw new Error('too much');
    return taskOf(asked.length);
  };
  return { asked, create };
}

describe('a filled form', () => {
  it('is a body without what was left empty', () => {
    const form = formOf([
      ['title', ' Mend it '],
      ['description', ''],
      ['capabilities', 'shell, php,'],
      ['priority', '7'],
      ['budget_usd', '2.5'],
      ['claims', 'optimistic'],
      ['depends_on', 'a'],
      ['depends_on', 'b'],
    ]);
    expect(JSON.parse(JSON.stringify(bodyOf(form)))).toEqual({
      title: 'Mend it',
      required_capabilities: ['shell', 'php'],
      priority: 7,
      budget_usd: 2.5,
      claims: 'optimistic',
      depends_on: ['a', 'b'],
    });
  });

  it('makes a task of each line, each behind the one before where that is wanted', async () => {
    const { asked, create } = nodeThat(-1);
    expect(titlesOf(formOf([['titles', 'one\n\n  two \nthree\n']]))).toEqual(['one', 'two', 'three']);
    const made = await createMany(['one', 'two'], { body: { priority: 1, depends_on: ['x'] }, isChain: true }, create);
    expect([made.tasks.length, made.left, made.error]).toEqual([2, [], undefined]);
    expect(asked).toEqual([
      { priority: 1, title: 'one', depends_on: ['x'] },
      { priority: 1, title: 'two', depends_on: ['x', taskOf(1).id] },
    ]);
  });

  it('ends with the first that is refused, and says which are left', async () => {
    const { asked, create } = nodeThat(1);
    const made = await createMany(['one', 'two', 'three'], { body: {}, isChain: false }, create);
    expect([made.tasks.length, made.left, made.error]).toEqual([1, ['two', 'three'], new Error('too much')]);
    expect(asked).toHaveLength(2);
  });
});

describe('templates', () => {
  it('keep what another task may have, too, and what cannot be read is left out', () => {
    const form = formOf([
      ['title', 'Nightly'],
      ['priority', '3'],
      ['context', ''],
      ['depends_on', 'a'],
      ['id', 'nightly-1'],
    ]);
    const template = { name: 'Nightly', values: valuesOf(form) };
    expect(template.values).toEqual({ title: 'Nightly', priority: '3' });
    expect(templatesOf(JSON.stringify([template, { name: 7 }, 'x', { name: 'n', values: { a: 1, b: 'c' } }]))).toEqual([
      template,
      { name: 'n', values: { b: 'c' } },
    ]);
    expect([templatesOf('{'), templatesOf('7'), templatesOf(null)]).toEqual([[], [], []]);
  });

  it('stand in place of the one of their name, the newest first, and are not too many', () => {
    const many = Array.from({ length: 60 }, (_, n) => ({ name: `${n}`, values: {} }));
    const held = many.reduce<ReturnType<typeof withTemplate>>((all, one) => withTemplate(all, one), []);
    expect([held.length, held[0]?.name]).toEqual([50, '59']);
    expect(withTemplate(held, { name: '58', values: { a: 'b' } }).slice(0, 2)).toEqual([
      { name: '58', values: { a: 'b' } },
      { name: '59', values: {} },
    ]);
  });
});
